//! Writes the last bytes of an HTTP/2 response that fails before the stream is reset.
//!
//! `RST_STREAM` discards the bytes of the stream that are not yet written. So the body delays its error until its
//! connection, which runs in another task, was polled once and so could write them.

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// Counts as complete each poll of one HTTP/2 connection. Clones belong to the same connection.
#[derive(Clone, Default)]
pub(crate) struct ConnectionPolls(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    connection: AtomicWaker,
}

impl ConnectionPolls {
    /// Drives the connection, and completes the waiters of [`Self::next_poll`] after each whole poll.
    pub(crate) async fn drive<C: Future + Unpin>(&self, connection: &mut C) -> C::Output {
        poll_fn(|context| {
            self.0.connection.register(context.waker());
            let waiting = std::mem::take(&mut *self.0.waiting.lock());
            let polled = Pin::new(&mut *connection).poll(context);
            drop(waiting);
            polled
        })
        .await
    }

    /// Completes after the next whole poll of the connection. Both `Ok` and `Err` mean complete.
    fn next_poll(&self) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        self.0.waiting.lock().push(done);
        self.0.connection.wake();
        is_done
    }
}

/// A response body that delays its error until the bytes before it could be written.
pub(crate) struct FlushBeforeReset {
    body: Body,
    polls: ConnectionPolls,
    error: Option<(axum::Error, oneshot::Receiver<()>)>,
}

impl FlushBeforeReset {
    pub(crate) fn new(body: Body, polls: ConnectionPolls) -> Self {
        Self { body, polls, error: None }
    }
}

impl http_body::Body for FlushBeforeReset {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.error.is_none() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Err(error)) => self.error = Some((error, self.polls.next_poll())),
                frame => return Poll::Ready(frame),
            }
        }
        if let Some((_, poll)) = &mut self.error {
            let _ = ready!(poll.poll_unpin(context));
        }
        Poll::Ready(self.error.take().map(|(error, _)| Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
