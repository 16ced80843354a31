//! An HTTP/2 client that distinguishes streams that end from streams that are reset.

use crate::body::{self, BodyPieces};
use crate::{Authority, wait_for, within};
use bytes::Bytes;
use futures_util::FutureExt;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use tokio::task::JoinHandle;

/// An HTTP/2 client on one TLS connection.
pub struct H2Client {
    requests: SendRequest<Bytes>,
    certificate: CertificateDer<'static>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// One request and its response. Dropping it resets the stream, as a client does that cancels a request.
pub struct H2Stream {
    response_future: Option<ResponseFuture>,
    body: Option<RecvStream>,
    /// The sending half of the stream, for a request body that [`H2Client::begin`] left open.
    pub upload: SendStream<Bytes>,
}

/// The end of a response stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum H2End {
    /// The peer sent `END_STREAM`.
    Clean,
    /// The peer sent `RST_STREAM` with this reason.
    Reset(Reason),
    /// The connection ended before the stream did.
    Lost,
}

/// The bytes that the peer may send before the client reads them, on one stream and on the connection. The connection
/// window is far larger, so that a stream that is not read does not stop the others.
const STREAM_WINDOW: u32 = 65_535;
const CONNECTION_WINDOW: u32 = 16 << 20;

impl H2Client {
    /// Connects with TLS and negotiates HTTP/2.
    ///
    /// # Panics
    ///
    /// If the handshake fails or the peer does not select `h2`.
    pub async fn connect(address: SocketAddr, authority: &Authority) -> Self {
        let stream = authority.connect(address, &["h2"]).await.expect("a TLS handshake");
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        let certificate = session.peer_certificates().expect("certificates")[0].clone().into_owned();
        let mut settings = client::Builder::new();
        settings.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let handshake = within(settings.handshake(stream), "the HTTP/2 handshake").await;
        let (requests, connection) = handshake.expect("an HTTP/2 handshake");
        Self { requests, certificate, connection: tokio::spawn(connection) }
    }

    /// The certificate that the peer presented.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Sends a request with its body and does not wait for the response.
    ///
    /// # Panics
    ///
    /// If the connection accepts no new stream.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> H2Stream {
        let mut stream = self.begin(method, target, headers, body.is_empty()).await;
        if !body.is_empty() {
            stream.upload.send_data(Bytes::copy_from_slice(body.as_bytes()), true).expect("an open stream");
        }
        stream
    }

    /// Sends the head of a request. Unless `end_stream`, the body follows through [`H2Stream::upload`].
    ///
    /// # Panics
    ///
    /// If the connection accepts no new stream.
    pub async fn begin(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        end_stream: bool,
    ) -> H2Stream {
        let uri =
            if target.starts_with('/') { format!("https://localhost{target}") } else { target.to_owned() };
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let ready = within(self.requests.clone().ready(), "room for a stream").await;
        self.requests = ready.expect("an open connection");
        let request = request.body(()).expect("a request");
        let (response_future, upload) =
            self.requests.send_request(request, end_stream).expect("an open connection");
        H2Stream { response_future: Some(response_future), body: None, upload }
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Panics
    ///
    /// If the stream ends before the head of the response.
    pub async fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Response<()>, Bytes, H2End) {
        let mut stream = self.send(method, target, headers, body).await;
        let head = stream.head().await;
        let (body, end) = stream.read_to_end().await;
        (head, body, end)
    }

    /// Waits until the peer has sent GOAWAY or closed the connection, so that no new stream can be opened.
    pub async fn wait_for_goaway(&self) {
        let probe = || self.requests.clone().ready().now_or_never()?.err();
        let error = wait_for(probe, "a GOAWAY").await;
        assert!(error.is_go_away() || error.is_io(), "{error}");
    }

    /// Waits until the connection has ended.
    pub async fn wait_closed(self) {
        drop(self.requests);
        let _ = within(self.connection, "the connection to end").await;
    }

    /// Drops the connection with all open streams.
    pub fn abort(self) {
        self.connection.abort();
    }
}

impl H2Stream {
    /// Reads the head of the response.
    ///
    /// # Panics
    ///
    /// If the stream ends first.
    pub async fn head(&mut self) -> Response<()> {
        self.try_head().await.unwrap_or_else(|end| panic!("{end:?} before the head of a response"))
    }

    /// Like [`H2Stream::head`], but fallible.
    ///
    /// # Errors
    ///
    /// How the stream ended, if it ends before the head of the response.
    pub async fn try_head(&mut self) -> Result<Response<()>, H2End> {
        let response_future = self.response_future.take().expect("one head");
        let response =
            within(response_future, "the head of a response").await.map_err(|error| H2End::of(&error))?;
        let (head, body) = response.into_parts();
        self.body = Some(body);
        Ok(Response::from_parts(head, ()))
    }

    /// Reads the next piece of the body as soon as it arrives, and releases its flow-control capacity.
    ///
    /// # Errors
    ///
    /// How the stream ended, if no piece is left.
    pub async fn piece(&mut self) -> Result<Bytes, H2End> {
        let body = self.body.as_mut().expect("the head comes first");
        match within(body.data(), "the next piece of a body").await {
            None => Err(H2End::Clean),
            Some(Err(error)) => Err(H2End::of(&error)),
            Some(Ok(piece)) => {
                body.flow_control().release_capacity(piece.len()).expect("what was received");
                Ok(piece)
            }
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
    pub async fn read_to_end(&mut self) -> (Bytes, H2End) {
        body::read_to_end(self).await
    }

    /// Resets the stream with `CANCEL`.
    pub fn cancel(&mut self) {
        self.upload.send_reset(Reason::CANCEL);
    }
}

impl BodyPieces for H2Stream {
    type End = H2End;

    async fn next_piece(&mut self) -> Result<Bytes, H2End> {
        self.piece().await
    }
}

impl H2End {
    fn of(error: &h2::Error) -> Self {
        match error.reason() {
            Some(reason) if error.is_reset() => Self::Reset(reason),
            _ => Self::Lost,
        }
    }
}
