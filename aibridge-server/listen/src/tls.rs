//! Serves one client connection with TLS: the handshake, then HTTP/1 or HTTP/2.

use crate::connection_limit::ConnectionPermit;
use crate::http1;
use crate::http2::Http2Connection;
use crate::read_ahead::{ClientConnection, ReadAhead};
use crate::service::RequestService;
use crate::settings::ConnectionBounds;
use crate::shutdown::ShutdownSignals;
use crate::write_timeout::WriteTimeout;
use rustls::ServerConfig;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

/// The time within which a client must complete its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first byte of every TLS connection: the record type "handshake" (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// The response to a request without TLS, as when a base URL begins with `http://` instead of `https://`.
const TLS_REQUIRED: &str = concat!(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nX-AIBridge-Error: tls_required\r\n",
    "Connection: close\r\n\r\n",
    r#"{"error":{"message":"this port speaks TLS: write https:// instead of http:// in the base URL","#,
    r#""type":"invalid_request_error","param":null,"code":"tls_required"}}"#,
);

/// The most bytes of a request without TLS that are read before the response.
const PLAIN_READ: usize = 8192;

/// A connection with TLS, without its stream.
pub(crate) struct TlsConnection {
    pub(crate) service: RequestService,
    pub(crate) bounds: ConnectionBounds,
    pub(crate) shutdown: ShutdownSignals,
    /// Tracks the tasks of HTTP/2 streams.
    pub(crate) tasks: TaskTracker,
    pub(crate) permit: Option<ConnectionPermit>,
}

impl TlsConnection {
    /// Does the handshake on `stream` and serves the connection to its end.
    pub(crate) async fn serve(self, stream: WriteTimeout<ReadAhead>, tls: Arc<ServerConfig>) {
        let accepted = tokio::select! {
            accepted = timeout(HANDSHAKE_TIMEOUT, Box::pin(accept(stream, tls))) => accepted,
            () = self.shutdown.close.cancelled() => return,
        };
        let stream = match accepted {
            Ok(Ok(Some(stream))) => stream,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => return tracing::debug!("a TLS handshake timed out"),
        };
        let Self { service, bounds, shutdown, tasks, permit } = self;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let connection = Http2Connection { service, bounds, shutdown, tasks, permit };
            Box::pin(connection.serve(stream)).await;
        } else {
            Box::pin(http1::serve(stream, service, &bounds, shutdown.close, permit)).await;
        }
    }
}

impl ClientConnection for TlsStream<WriteTimeout<ReadAhead>> {
    fn tcp(&self) -> &ReadAhead {
        self.get_ref().0.tcp()
    }
}

/// Does the handshake. Returns `None` if the client sent HTTP without TLS, and received [`TLS_REQUIRED`].
async fn accept(
    mut stream: WriteTimeout<ReadAhead>,
    tls: Arc<ServerConfig>,
) -> io::Result<Option<TlsStream<WriteTimeout<ReadAhead>>>> {
    let mut first = [HANDSHAKE];
    stream.get_ref().peek(&mut first).await?;
    if first == [HANDSHAKE] {
        return TlsAcceptor::from(tls).accept(stream).await.map(Some);
    }
    if first[0].is_ascii_uppercase() {
        let _ = stream.read(&mut [0; PLAIN_READ]).await?;
        stream.write_all(TLS_REQUIRED.as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(None)
}
