//! The write timeout of an HTTP/2 stream.
//!
//! A client that answers PINGs but opens no window (RFC 9113 §5.2) would otherwise hold the response, its memory and its
//! request permit forever. hyper polls the body for its next chunk when the window had room for the last one. So if no
//! poll follows a chunk, the client makes no progress.

use crate::write_timeout::STALL;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, sleep, sleep_until};

/// The largest chunk, in bytes: the default frame size of HTTP/2. One chunk is progress, so a slow client has time for a
/// large body; and no more than one chunk waits inside the HTTP library.
const MAX_CHUNK: usize = 16 << 10;

tokio::task_local! {
    static PROGRESS: Progress;
}

/// The time at which the current chunk was handed to hyper; `None` while there is none.
#[derive(Debug, Clone, Default)]
struct Progress(Arc<Mutex<Option<Instant>>>);

impl Progress {
    fn offer(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    fn accepted(&self) {
        *self.0.lock() = None;
    }

    fn offered_at(&self) -> Option<Instant> {
        *self.0.lock()
    }

    /// Waits until one chunk has waited for the client for [`STALL`].
    async fn stalled(&self) {
        loop {
            let Some(offered_at) = self.offered_at() else {
                sleep(STALL).await;
                continue;
            };
            sleep_until(offered_at + STALL).await;
            if self.offered_at() == Some(offered_at) {
                return;
            }
        }
    }
}

/// Drives the stream of one request to its end, or until its client has made no progress for [`STALL`]. Dropping the
/// stream resets it.
pub(crate) async fn reset_when_stalled(stream: impl Future) {
    let progress = Progress::default();
    tokio::select! {
        _ = PROGRESS.scope(progress.clone(), stream) => {}
        () = progress.stalled() => tracing::debug!("a client accepts no bytes of a response: its stream is reset"),
    }
}

/// A response body in chunks of at most [`MAX_CHUNK`] bytes, which reports its progress to [`reset_when_stalled`].
pub(crate) struct ProgressBody<B> {
    body: B,
    rest: Bytes,
    progress: Progress,
}

impl<B> ProgressBody<B> {
    /// Must be called on the task of the stream, which holds its progress.
    pub(crate) fn new(body: B) -> Self {
        Self { body, rest: Bytes::new(), progress: PROGRESS.try_with(Clone::clone).unwrap_or_default() }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ProgressBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.progress.accepted();
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context))
                .map(|frame| frame.map(Frame::into_data))
            {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.progress.offer();
        let length = self.rest.len().min(MAX_CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut with_rest = SizeHint::new();
        if let Some(upper) = hint.upper() {
            with_rest.set_upper(upper + rest);
        }
        with_rest.set_lower(hint.lower() + rest);
        with_rest
    }
}
