use crate::{Authority, wait_for, within};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use tokio::task::JoinHandle;

/// An HTTP/2 client that sees frames: streams that end and streams that are reset.
pub struct H2Client {
    requests: SendRequest<Bytes>,
    certificate: CertificateDer<'static>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// One request and its answer. Dropping it resets the stream, the way a client does that was told to stop.
pub struct H2Stream {
    answered: Option<ResponseFuture>,
    body: Option<RecvStream>,
    /// What is still to be sent of the request.
    pub upload: SendStream<Bytes>,
}

/// How the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum H2End {
    /// `END_STREAM`.
    Clean,
    /// `RST_STREAM`.
    Reset(Reason),
    /// The connection ended first.
    Lost,
}

/// What the other side may send on a stream, and on all of them, before it is read: a stream that nobody reads leaves the
/// others alone.
const STREAM_WINDOW: u32 = 65_535;
const CONNECTION_WINDOW: u32 = 16 << 20;

impl H2Client {
    /// Connects with TLS.
    ///
    /// # Panics
    ///
    /// If that fails, or the other side does not want HTTP/2.
    pub async fn connect(address: SocketAddr, authority: &Authority) -> Self {
        let stream = authority.connect(address, &["h2"]).await.expect("a TLS handshake");
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        let certificate = session.peer_certificates().expect("certificates")[0].clone().into_owned();
        let mut settings = client::Builder::new();
        settings.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let handshake = within(settings.handshake(stream), "the beginning of HTTP/2").await;
        let (requests, connection) = handshake.expect("a beginning of HTTP/2");
        Self { requests, certificate, connection: tokio::spawn(connection) }
    }

    /// The certificate that the other side showed.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Sends a request.
    ///
    /// # Panics
    ///
    /// If the connection takes none.
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

    /// Sends the head of a request, and its body later unless that `is_all`.
    ///
    /// # Panics
    ///
    /// If the connection takes none.
    pub async fn begin(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        is_all: bool,
    ) -> H2Stream {
        let uri =
            if target.starts_with('/') { format!("https://localhost{target}") } else { target.to_owned() };
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let ready = within(self.requests.clone().ready(), "room for a stream").await;
        self.requests = ready.expect("an open connection");
        let request = request.body(()).expect("a request");
        let (answered, upload) = self.requests.send_request(request, is_all).expect("an open connection");
        H2Stream { answered: Some(answered), body: None, upload }
    }

    /// Sends a request, and reads the whole answer.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Response<()>, Bytes, H2End) {
        let mut stream = self.send(method, target, headers, body).await;
        let head = stream.head().await;
        let (body, end) = stream.rest().await;
        (head, body, end)
    }

    /// Waits until it has been told to open no more streams.
    pub async fn told_to_go(&self) {
        let probe = || self.requests.clone().ready().now_or_never()?.err();
        let error = wait_for(probe, "a GOAWAY").await;
        assert!(error.is_go_away() || error.is_io(), "{error}");
    }

    /// Waits until the connection has ended.
    pub async fn closed(self) {
        drop(self.requests);
        let _ = within(self.connection, "the connection to end").await;
    }

    /// Leaves at once, with all that is open.
    pub fn leave(self) {
        self.connection.abort();
    }
}

impl H2Stream {
    /// The answer's head.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn head(&mut self) -> Response<()> {
        self.try_head().await.unwrap_or_else(|end| panic!("{end:?} before an answer's head"))
    }

    /// The answer's head, or how the stream ended before it.
    ///
    /// # Errors
    ///
    /// The end.
    pub async fn try_head(&mut self) -> Result<Response<()>, H2End> {
        let answered = self.answered.take().expect("one head");
        let answer = within(answered, "an answer's head").await.map_err(|error| H2End::of(&error))?;
        let (head, body) = answer.into_parts();
        self.body = Some(body);
        Ok(Response::from_parts(head, ()))
    }

    /// The next piece of the body as soon as it arrives, or how the body ended. What is taken makes room for more.
    ///
    /// # Errors
    ///
    /// The end, if no piece is left.
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
    pub async fn rest(&mut self) -> (Bytes, H2End) {
        let mut body = BytesMut::new();
        loop {
            match self.piece().await {
                Ok(piece) => body.extend_from_slice(&piece),
                Err(end) => return (body.freeze(), end),
            }
        }
    }

    /// Resets the stream: `CANCEL`.
    pub fn cancel(&mut self) {
        self.upload.send_reset(Reason::CANCEL);
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
