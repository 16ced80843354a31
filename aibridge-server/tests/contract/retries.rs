//! HTTP/2 to a provider: only requests that it provably did not process are sent again, and slow clients stop no other.

use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Authority, Gateway, Launch, RawClient, request};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

// RFC 9113 §6 and §7.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// The window of a connection before an update.
const FIRST_WINDOW: u32 = 65_535;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const PREFACE: usize = 24;
/// `:status: 200` (RFC 7541, appendix A, index 8).
const STATUS_200: &[u8] = &[0x88];

const CONVERSATIONS: &str = "/openai/v1/conversations";

/// The fault of a provider before its response.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Reset(u32),
    /// `GOAWAY` with the stream before this one as the last.
    GoAwayBefore(u32),
    /// `GOAWAY` with this stream as the last; then the connection closes.
    GoAwayAfter(u32),
    Close,
}

/// A provider that sends HTTP/2 frame by frame.
struct H2Provider {
    port: u16,
    /// The bodies of all requests so far, including those with a fault.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    windows: Arc<Mutex<Windows>>,
    accepting: JoinHandle<()>,
}

/// The bytes that the gateway lets a provider send before it reads them.
#[derive(Debug, Clone, Copy)]
struct Windows {
    stream: u32,
    connection: u32,
}

struct Connection {
    stream: TlsStream<TcpStream>,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    windows: Arc<Mutex<Windows>>,
    fault: Fault,
    faults: usize,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl H2Provider {
    /// Starts a provider whose first `faults` requests get `fault`; later ones succeed.
    async fn start(authority: &Authority, fault: Fault, faults: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = TlsAcceptor::from(Arc::new(tls(authority)));
        let received = Arc::new(Mutex::new(Vec::new()));
        let windows = Arc::new(Mutex::new(Windows { stream: FIRST_WINDOW, connection: FIRST_WINDOW }));
        let (log, seen) = (received.clone(), windows.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, received, windows) = (tls.clone(), log.clone(), seen.clone());
                tokio::spawn(async move {
                    let stream = tls.accept(stream).await.unwrap();
                    let _ = Connection { stream, received, windows, fault, faults }.serve().await;
                });
            }
        });
        Self { port, received, windows, accepting }
    }

    fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().clone()
    }
}

impl Drop for H2Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn tls(authority: &Authority) -> ServerConfig {
    let issued = authority.issue();
    let certificates = CertificateDer::pem_slice_iter(issued.cert.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        self.stream.read_exact(&mut [0; PREFACE]).await?;
        self.send(SETTINGS, 0, 0, &[]).await?;
        let mut body = Vec::new();
        loop {
            let frame = self.read().await?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => {
                    for setting in frame.payload.chunks_exact(6) {
                        let (id, value) = setting.split_at(2);
                        if id == INITIAL_WINDOW_SIZE.to_be_bytes() {
                            self.windows.lock().stream = u32::from_be_bytes(value.try_into().unwrap());
                        }
                    }
                    self.send(SETTINGS, ACK, 0, &[]).await?;
                }
                WINDOW_UPDATE if frame.stream == 0 => {
                    self.windows.lock().connection +=
                        u32::from_be_bytes(frame.payload[..4].try_into().unwrap());
                }
                DATA => body.extend_from_slice(&frame.payload),
                _ => {}
            }
            if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                let number = {
                    let mut received = self.received.lock();
                    received.push(std::mem::take(&mut body));
                    received.len()
                };
                match number <= self.faults {
                    true => self.fail(frame.stream).await?,
                    false => self.response(frame.stream).await?,
                }
            }
        }
    }

    async fn response(&mut self, stream: u32) -> io::Result<()> {
        self.send(HEADERS, END_HEADERS, stream, STATUS_200).await?;
        self.send(DATA, END_STREAM, stream, CHAT.whole.as_bytes()).await
    }

    async fn fail(&mut self, stream: u32) -> io::Result<()> {
        let go_away = |last: u32, code: u32| [last.to_be_bytes(), code.to_be_bytes()].concat();
        match self.fault {
            Fault::Reset(code) => self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await,
            Fault::GoAwayBefore(code) => {
                self.send(GOAWAY, 0, 0, &go_away(stream.saturating_sub(2), code)).await
            }
            Fault::GoAwayAfter(code) => {
                self.send(GOAWAY, 0, 0, &go_away(stream, code)).await?;
                self.stream.shutdown().await
            }
            Fault::Close => self.stream.shutdown().await,
        }
    }

    async fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.stream.write_all(&[&head, payload].concat()).await?;
        self.stream.flush().await
    }
}

async fn gateway(authority: &Authority, provider: &H2Provider) -> Gateway {
    let base_url = format!("https://127.0.0.1:{}/v1/", provider.port);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(provider_settings(&base_url, &[KEY]));
    let trusted = launch.dir().join("authority.pem");
    std::fs::write(&trusted, authority.certificate_pem()).unwrap();
    launch.env("SSL_CERT_FILE", trusted).start().await
}

/// A request on a bridged route, and passthrough requests with and without a body.
fn requests() -> [(Vec<u8>, &'static str); 3] {
    let (body, items) = (CHAT.blocking, r#"{"items":[]}"#);
    [
        (request("POST", CHAT.target, &[], body.as_bytes()), body),
        (request("POST", CONVERSATIONS, &[], items.as_bytes()), items),
        (request("GET", "/openai/v1/models", &[], b""), ""),
    ]
}

/// Sends each request to a provider whose first `faults` requests get `fault`, and checks the status and how often the
/// provider received the request.
async fn assert_sent(fault: Fault, faults: usize, status: u16, times: usize) {
    assert_all_sent(&requests(), fault, faults, status, times).await;
}

async fn assert_all_sent(
    requests: &[(Vec<u8>, &str)],
    fault: Fault,
    faults: usize,
    status: u16,
    times: usize,
) {
    let authority = Authority::new();
    for (bytes, body) in requests {
        let provider = H2Provider::start(&authority, fault, faults).await;
        let gateway = gateway(&authority, &provider).await;
        let response = RawClient::connect(gateway.address()).await.call(bytes).await;
        let about =
            format!("{fault:?} {faults} times, {:?}: {}", String::from_utf8_lossy(bytes), response.text());
        assert_eq!(response.status(), status, "{about}");
        assert_eq!(provider.received(), vec![body.as_bytes(); times], "{about}");
    }
}

/// All requests to a provider share a connection. A client that reads nothing leaves the window of its stream unread.
#[tokio::test]
async fn a_thousand_unread_responses_leave_room_for_others() {
    let authority = Authority::new();
    let provider = H2Provider::start(&authority, Fault::Close, 0).await;
    let gateway = gateway(&authority, &provider).await;
    let [(chat, _), ..] = requests();
    assert_eq!(RawClient::connect(gateway.address()).await.call(&chat).await.status(), 200);
    let Windows { stream, connection } = *provider.windows.lock();
    assert!(connection / stream > 1000, "{stream} bytes of a stream, {connection} of the connection");
}

#[tokio::test]
async fn a_refused_stream_is_retried_once() {
    assert_sent(Fault::Reset(REFUSED_STREAM), 1, 200, 2).await;
}

#[tokio::test]
async fn a_stream_above_the_last_of_goaway_is_retried_once() {
    assert_sent(Fault::GoAwayBefore(NO_ERROR), 1, 200, 2).await;
    assert_sent(Fault::GoAwayBefore(INTERNAL_ERROR), 1, 200, 2).await;
}

#[tokio::test]
async fn a_request_refused_twice_is_not_sent_a_third_time() {
    assert_sent(Fault::Reset(REFUSED_STREAM), 9, 502, 2).await;
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_retried() {
    for fault in [Fault::Reset(INTERNAL_ERROR), Fault::Close] {
        assert_sent(fault, 1, 502, 1).await;
    }
    // After GOAWAY, a safe request without a body may be sent again, although it may have been processed.
    let [chat, conversation, _] = requests();
    for code in [NO_ERROR, INTERNAL_ERROR] {
        assert_all_sent(&[chat.clone(), conversation.clone()], Fault::GoAwayAfter(code), 1, 502, 1).await;
    }
}

#[tokio::test]
async fn an_unsafe_request_is_not_retried_after_goaway() {
    let delete = (request("DELETE", "/openai/v1/responses/resp_1", &[], b""), "");
    for fault in [Fault::GoAwayBefore(NO_ERROR), Fault::GoAwayAfter(NO_ERROR)] {
        assert_all_sent(std::slice::from_ref(&delete), fault, 1, 502, 1).await;
    }
}
