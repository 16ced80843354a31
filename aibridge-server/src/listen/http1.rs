use super::head_timer::HeadTimer;
use super::places::Place;
use super::read_ahead::ClientConnection;
use super::routed::Routed;
use super::{Bounds, WRITE_BUFFER};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Serves one connection to its end.
///
/// No `async fn`: that would keep room for its arguments beside what it makes of them, for every open connection.
pub(super) fn serve<I>(
    io: I,
    routed: Routed,
    bounds: &Bounds,
    hang_up: CancellationToken,
    place: Option<Place>,
) -> impl Future<Output = ()> + use<I>
where
    I: AsyncRead + AsyncWrite + ClientConnection + Unpin + Send + 'static,
{
    let activity = io.tcp().activity().clone();
    let observed = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        observed.requested(request.version());
        routed.call(request)
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
            () = hang_up.cancelled() => None,
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
                tracing::debug!(%error, "a connection could not be reset");
            }
        }
        drop(place);
    }
}
