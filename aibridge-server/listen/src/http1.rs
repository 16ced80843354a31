//! Serves one HTTP/1 connection.

use crate::connection_limit::ConnectionPermit;
use crate::head_timer::HeadTimer;
use crate::read_ahead::ClientConnection;
use crate::service::RequestService;
use crate::settings::{ConnectionBounds, WRITE_BUFFER};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Serves one connection to its end. After `close` is cancelled, that is the end of its current response.
///
/// Not an `async fn`: its future would hold the arguments as well as what is built from them, for every open
/// connection.
pub(crate) fn serve<I>(
    io: I,
    service: RequestService,
    bounds: &ConnectionBounds,
    close: CancellationToken,
    permit: Option<ConnectionPermit>,
) -> impl Future<Output = ()> + use<I>
where
    I: AsyncRead + AsyncWrite + ClientConnection + Unpin + Send + 'static,
{
    let activity = io.tcp().activity().clone();
    let request_activity = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        request_activity.request_began(request.version());
        service.call(request)
    });
    let mut connection = http1::Builder::new()
        .timer(HeadTimer::new(bounds.header_timeout, bounds.keep_alive, activity.clone()))
        .header_read_timeout(bounds.header_timeout)
        .max_header_size(bounds.max_header_bytes)
        .max_buf_size(WRITE_BUFFER.max(bounds.max_header_bytes))
        .serve_connection(TokioIo::new(io), service);
    async move {
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = close.cancelled() => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
            // Without a length or chunks, a closed connection would make a broken response look complete.
            if error.is_user()
                && activity.is_close_delimited()
                && let Err(error) = connection.into_parts().io.inner().tcp().reset_on_drop()
            {
                tracing::debug!(%error, "could not reset a connection");
            }
        }
        drop(permit);
    }
}
