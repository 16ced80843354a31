use crate::wire::{self, Body, Headers, Incoming, Part};
use crate::within;
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// An HTTP/1.1 client that sends exact bytes and reads answers exactly.
///
/// Dropping it leaves in the middle of whatever is going on, the way a client does that was told to stop.
pub struct RawClient {
    incoming: Incoming<OwnedReadHalf>,
    outgoing: OwnedWriteHalf,
    body: Body,
}

/// The status line and headers of an answer.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// In wire order and spelling.
    pub headers: Vec<(String, String)>,
    /// As it was sent, with its empty line.
    pub raw: Bytes,
}

/// A whole answer, or what arrived of it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its head.
    pub head: Head,
    /// Its body without the chunking.
    pub body: Bytes,
    /// Whether all of it arrived.
    pub end: BodyEnd,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// As its framing announced.
    Clean,
    /// The connection ended first.
    Cut,
}

/// The bytes of a request: `headers` after `Host`, and `Content-Length` if there is a body.
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
    /// Connects.
    ///
    /// # Panics
    ///
    /// If nobody listens at `address`.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        stream.set_nodelay(true).expect("a TCP option can be set");
        let (reader, outgoing) = stream.into_split();
        Self { incoming: Incoming::new(reader), outgoing, body: Body::Ended }
    }

    /// One GET on a connection of its own.
    pub async fn get(address: SocketAddr, target: &str) -> Answer {
        Self::connect(address).await.ask(&request("GET", target, &[], b"")).await
    }

    /// One POST of JSON on a connection of its own.
    pub async fn post(
        address: SocketAddr,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        Self::connect(address).await.ask(&request("POST", target, &headers, body.as_ref())).await
    }

    /// Sends `request` and reads the whole answer. The connection may be used again if it ended cleanly.
    pub async fn ask(&mut self, request: &[u8]) -> Answer {
        self.send(request).await;
        let head = self.head().await;
        let (body, end) = self.rest().await;
        Answer { head, body, end }
    }

    /// Sends bytes as they are. That the other side has stopped listening is no error: its answer tells more.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within(self.outgoing.write_all(bytes), "the other side to read").await;
    }

    /// The next answer's head; interim answers (1xx) are skipped.
    ///
    /// # Panics
    ///
    /// If the connection ends first.
    pub async fn head(&mut self) -> Head {
        self.try_head().await.expect("the connection ended before an answer's head")
    }

    /// The next answer's head, or nothing if the connection ends first.
    pub async fn try_head(&mut self) -> Option<Head> {
        loop {
            let raw = within(self.incoming.head(), "an answer's head").await?;
            let (status, headers) = wire::parse_response(&raw);
            if status >= 200 {
                self.body = Body::of_response(status, &headers);
                return Some(Head { status, headers, raw });
            }
        }
    }

    /// The next piece of the body as soon as it arrives, or how the body ended.
    ///
    /// # Errors
    ///
    /// The end, if no piece is left.
    pub async fn piece(&mut self) -> Result<Bytes, BodyEnd> {
        match within(self.incoming.part(&mut self.body), "the next piece of a body").await {
            Part::Data(data) => Ok(data),
            Part::End => Err(BodyEnd::Clean),
            Part::Cut => Err(BodyEnd::Cut),
        }
    }

    /// Reads the body up to where it contains `text`, and whatever came along with that.
    ///
    /// # Panics
    ///
    /// If the body ends without it.
    pub async fn until(&mut self, text: &str) -> Bytes {
        let mut body = BytesMut::new();
        while !body.windows(text.len()).any(|window| window == text.as_bytes()) {
            match self.piece().await {
                Ok(piece) => body.extend_from_slice(&piece),
                Err(end) => panic!("{end:?} end without {text:?} in {:?}", String::from_utf8_lossy(&body)),
            }
        }
        body.freeze()
    }

    /// Everything that is left of the body, and how it ended.
    pub async fn rest(&mut self) -> (Bytes, BodyEnd) {
        let mut body = BytesMut::new();
        loop {
            match self.piece().await {
                Ok(piece) => body.extend_from_slice(&piece),
                Err(end) => return (body.freeze(), end),
            }
        }
    }

    /// Leaves with a reset (RST), the way a crashed client does.
    pub fn reset(self) {
        self.outgoing.as_ref().set_zero_linger().expect("a TCP option can be set");
        self.outgoing.forget(); // dropping it would say FIN first
    }

    /// Waits until the other side has closed the connection.
    pub async fn closed(&mut self) {
        within(self.incoming.gone(), "the other side to close the connection").await;
    }
}

impl Head {
    /// The first value of the header `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        wire::find(&self.headers, name)
    }

    /// Header names in lower case, in wire order.
    pub fn names(&self) -> Vec<String> {
        let headers: &Headers = &self.headers;
        headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
    }
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The first value of the header `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}
