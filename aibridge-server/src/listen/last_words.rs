//! What an answer said before it broke off.
//!
//! The end of a stream by `RST_STREAM` drops what was not written of it. So an answer that breaks off waits until its
//! connection, which runs in another task, has had a turn to write.

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

/// The turns of one connection. Clones are of the same.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    connection: AtomicWaker,
}

impl Turns {
    /// Drives the connection, and tells who waits when it had a whole turn.
    pub(super) async fn of<C: Future + Unpin>(&self, connection: &mut C) -> C::Output {
        poll_fn(|context| {
            self.0.connection.register(context.waker());
            let waiting = std::mem::take(&mut *self.0.waiting.lock());
            let polled = Pin::new(&mut *connection).poll(context);
            drop(waiting);
            polled
        })
        .await
    }

    /// Becomes ready, an error or not, when a turn is over that has not begun yet.
    fn next(&self) -> oneshot::Receiver<()> {
        let (over, is_over) = oneshot::channel();
        self.0.waiting.lock().push(over);
        self.0.connection.wake();
        is_over
    }
}

/// An answer whose last words are heard.
pub(super) struct LastWords {
    body: Body,
    turns: Turns,
    broke: Option<(axum::Error, oneshot::Receiver<()>)>,
}

impl LastWords {
    pub(super) fn of(body: Body, turns: Turns) -> Self {
        Self { body, turns, broke: None }
    }
}

impl http_body::Body for LastWords {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.broke.is_none() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Err(error)) => self.broke = Some((error, self.turns.next())),
                frame => return Poll::Ready(frame),
            }
        }
        if let Some((_, turn)) = &mut self.broke {
            let _ = ready!(turn.poll_unpin(context));
        }
        Poll::Ready(self.broke.take().map(|(error, _)| Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
