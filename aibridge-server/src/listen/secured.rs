use super::patient::Patient;
use super::places::Place;
use super::read_ahead::{ClientConnection, ReadAhead};
use super::routed::Routed;
use super::{Bounds, Stop, http1, http2};
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

/// A client that has not shaken hands by then is not going to.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// The first byte of every TLS connection: a record of the type handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// For who writes `http://` where it should be `https://`.
const PLAIN: &str = concat!(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nX-AIBridge-Error: tls_required\r\n",
    "Connection: close\r\n\r\n",
    r#"{"error":{"message":"this port speaks TLS: write https:// instead of http:// in the base URL","#,
    r#""type":"invalid_request_error","param":null,"code":"tls_required"}}"#,
);

/// How much is read of a request that comes without TLS, before it is answered.
const READ_OF_PLAIN: usize = 8192;

/// What a connection needs that is to have TLS.
pub(super) struct Secured {
    pub(super) routed: Routed,
    pub(super) bounds: Bounds,
    pub(super) stop: Stop,
    pub(super) tasks: TaskTracker,
    pub(super) place: Option<Place>,
}

impl Secured {
    /// Shakes hands and serves the connection to its end.
    pub(super) async fn serve(self, stream: Patient<ReadAhead>, tls: Arc<ServerConfig>) {
        let shaken = tokio::select! {
            shaken = timeout(HANDSHAKE_WITHIN, Box::pin(shake_hands(stream, tls))) => shaken,
            () = self.stop.hang_up.cancelled() => return,
        };
        let stream = match shaken {
            Ok(Ok(Some(stream))) => stream,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => return tracing::debug!("a client did not finish its TLS handshake"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            Box::pin(http2::serve(stream, self)).await;
        } else {
            let Self { routed, bounds, stop, place, .. } = self;
            Box::pin(http1::serve(stream, routed, &bounds, stop.hang_up, place)).await;
        }
    }
}

impl ClientConnection for TlsStream<Patient<ReadAhead>> {
    fn tcp(&self) -> &ReadAhead {
        self.get_ref().0.tcp()
    }
}

/// Nothing if the client speaks HTTP without TLS, and was told that it should not.
async fn shake_hands(
    mut stream: Patient<ReadAhead>,
    tls: Arc<ServerConfig>,
) -> io::Result<Option<TlsStream<Patient<ReadAhead>>>> {
    let mut first = [HANDSHAKE];
    stream.get_ref().peek(&mut first).await?;
    if first == [HANDSHAKE] {
        return TlsAcceptor::from(tls).accept(stream).await.map(Some);
    }
    if first[0].is_ascii_uppercase() {
        let _ = stream.read(&mut [0; READ_OF_PLAIN]).await?;
        stream.write_all(PLAIN.as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(None)
}
