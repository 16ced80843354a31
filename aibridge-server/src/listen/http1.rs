use super::places::Place;
use super::routed::Routed;
use super::{Bounds, WRITE_BUFFER};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Serves one connection to its end. The time that its next head has counts from its beginning and from the end of its
/// last answer, so it is also how long it may be idle.
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
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_header_size(bounds.max_header_bytes)
        .max_buf_size(WRITE_BUFFER.max(bounds.max_header_bytes))
        .serve_connection(TokioIo::new(io), routed);
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
        }
        drop(place);
    }
}
