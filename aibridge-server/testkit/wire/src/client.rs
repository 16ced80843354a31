//! An HTTP/1.1 client that controls every byte of a request and distinguishes complete from truncated responses.

use crate::body::{self, BodyPieces};
use crate::wire::{self, Body, Headers, Incoming, Part};
use crate::within;
use bytes::Bytes;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// An HTTP/1.1 client on one connection. It sends exact bytes and reads responses exactly.
///
/// Dropping it closes the connection, also in the middle of a response.
pub struct RawClient {
    incoming: Incoming<OwnedReadHalf>,
    outgoing: OwnedWriteHalf,
    body: Body,
}

/// The status line and headers of a response.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Names and values, in wire order and spelling.
    pub headers: Vec<(String, String)>,
    /// The bytes of the head as received, including its empty line.
    pub raw: Bytes,
}

/// A response, complete or truncated.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status line and headers.
    pub head: Head,
    /// The body with its chunk framing removed.
    pub body: Bytes,
    /// Whether the body is complete.
    pub end: BodyEnd,
}

/// The end of a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// The body ended as its framing announced.
    Clean,
    /// The connection ended before the body did.
    Truncated,
}

/// The bytes of a request: `Host`, then `headers`, then `Content-Length` unless the body is empty.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

impl RawClient {
    /// Connects to `address` without TLS.
    ///
    /// # Panics
    ///
    /// If nothing listens at `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        stream.set_nodelay(true).expect("a TCP option can be set");
        let (reader, outgoing) = stream.into_split();
        Self { incoming: Incoming::new(reader), outgoing, body: Body::Ended }
    }

    /// Sends a GET on a new connection and reads the response.
    pub async fn get(address: SocketAddr, target: &str) -> Response {
        Self::connect(address).await.call(&request("GET", target, &[], b"")).await
    }

    /// Sends a POST with a JSON body on a new connection and reads the response.
    pub async fn post(
        address: SocketAddr,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Response {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        Self::connect(address).await.call(&request("POST", target, &headers, body.as_ref())).await
    }

    /// Sends `request` and reads the whole response. The connection can be reused after [`BodyEnd::Clean`].
    pub async fn call(&mut self, request: &[u8]) -> Response {
        self.send(request).await;
        let head = self.head().await;
        let (body, end) = self.read_to_end().await;
        Response { head, body, end }
    }

    /// Sends bytes unchanged. A write error is ignored: the response or the end of the connection shows it.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within(self.outgoing.write_all(bytes), "the peer to read").await;
    }

    /// Reads the head of the next response. Interim responses (1xx) are skipped.
    ///
    /// # Panics
    ///
    /// If the connection ends first.
    pub async fn head(&mut self) -> Head {
        self.try_head().await.expect("the connection ended before the head of a response")
    }

    /// Like [`RawClient::head`], but `None` if the connection ends first.
    pub async fn try_head(&mut self) -> Option<Head> {
        loop {
            let raw = within(self.incoming.head(), "the head of a response").await?;
            let (status, headers) = wire::parse_response(&raw);
            if status >= 200 {
                self.body = Body::of_response(status, &headers);
                return Some(Head { status, headers, raw });
            }
        }
    }

    /// Reads the next piece of the body as soon as it arrives.
    ///
    /// # Errors
    ///
    /// How the body ended, if no piece is left.
    pub async fn piece(&mut self) -> Result<Bytes, BodyEnd> {
        match within(self.incoming.part(&mut self.body), "the next piece of a body").await {
            Part::Data(data) => Ok(data),
            Part::End => Err(BodyEnd::Clean),
            Part::Truncated => Err(BodyEnd::Truncated),
        }
    }

    /// Reads the body up to and including the piece that completes `text`.
    ///
    /// # Panics
    ///
    /// If the body ends without `text`.
    pub async fn read_until(&mut self, text: &str) -> Bytes {
        body::read_until(self, text).await
    }

    /// Reads the rest of the body, and how it ended.
    pub async fn read_to_end(&mut self) -> (Bytes, BodyEnd) {
        body::read_to_end(self).await
    }

    /// Resets the connection (RST), as the system does for a crashed client.
    pub fn reset(self) {
        self.outgoing.as_ref().set_zero_linger().expect("a TCP option can be set");
        self.outgoing.forget(); // dropping it would send a FIN first
    }

    /// Waits until the peer has closed the connection.
    pub async fn wait_closed(&mut self) {
        within(self.incoming.wait_eof(), "the peer to close the connection").await;
    }
}

impl BodyPieces for RawClient {
    type End = BodyEnd;

    async fn next_piece(&mut self) -> Result<Bytes, BodyEnd> {
        self.piece().await
    }
}

impl Head {
    /// The first value of the header `name`. Case is ignored.
    pub fn header(&self, name: &str) -> Option<&str> {
        wire::find(&self.headers, name)
    }

    /// The header names in lower case, in wire order.
    pub fn names(&self) -> Vec<String> {
        let headers: &Headers = &self.headers;
        headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
    }
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The first value of the header `name`. Case is ignored.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If the body is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}
