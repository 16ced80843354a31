//! A client's body on its way to the provider while it still arrives.

use crate::error::Error;
use crate::request_body;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Sleep, sleep};

/// The most of a body that is kept for a second attempt, in bytes. A longer one has one attempt.
const KEPT: usize = 64 << 10;

/// A body for up to two attempts that remembers why it could not be read.
pub(super) struct Upload(Arc<Mutex<State>>);

struct State {
    body: reqwest::Body,
    /// What was read of it, unless that is more than [`KEPT`].
    kept: Option<Vec<Bytes>>,
    kept_length: usize,
    /// The body of an earlier attempt reads nothing any more.
    attempt: usize,
    silence: Option<Pin<Box<Sleep>>>,
    /// The client has sent all of it.
    is_complete: bool,
    failure: Option<Error>,
}

/// The body of one attempt.
struct Attempt {
    state: Arc<Mutex<State>>,
    number: usize,
    /// How many of the kept pieces were sent.
    replayed: usize,
}

/// The body of this attempt ends here.
#[derive(Debug, thiserror::Error)]
#[error("the client's body cannot be read")]
struct Unreadable;

impl Upload {
    pub(super) fn new(body: reqwest::Body) -> Self {
        Self(Arc::new(Mutex::new(State {
            body,
            kept: Some(Vec::new()),
            kept_length: 0,
            attempt: 0,
            silence: None,
            is_complete: false,
            failure: None,
        })))
    }

    /// The body from its beginning, for the next attempt. There must be one: see [`is_replayable`](Self::is_replayable).
    pub(super) fn body(&self) -> reqwest::Body {
        let mut state = self.0.lock();
        state.attempt += 1;
        reqwest::Body::wrap(Attempt { state: self.0.clone(), number: state.attempt, replayed: 0 })
    }

    /// Whether it can be sent from its beginning.
    pub(super) fn is_replayable(&self) -> bool {
        self.0.lock().kept.is_some()
    }

    /// The error for a request that took too long while the client was still sending; `None` if it has sent all.
    pub(super) fn too_slow(&self) -> Option<Error> {
        let state = self.0.lock();
        let is_complete = state.is_complete || state.body.is_end_stream();
        (!is_complete).then(request_body::too_slow_as_a_whole)
    }

    /// Why the client's body could not be read, if that is why there is no response.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.lock().failure.take()
    }
}

impl State {
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => {
                let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(request_body::SILENCE)));
                if silence.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.failure = Some(request_body::too_slow());
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.silence = None;
                if let Some(data) = frame.data_ref() {
                    self.keep(data);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(error))) => self.failure = Some(request_body::unreadable(&error)),
            Poll::Ready(None) => {
                self.is_complete = true;
                return Poll::Ready(None);
            }
        }
        Poll::Ready(Some(Err(Unreadable)))
    }

    fn keep(&mut self, data: &Bytes) {
        self.kept_length += data.len();
        if self.kept_length > KEPT {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(data.clone());
        }
    }

    /// The kept pieces from `replayed` on.
    fn left(&self, replayed: usize) -> &[Bytes] {
        self.kept.as_deref().and_then(|kept| kept.get(replayed..)).unwrap_or_default()
    }
}

impl Body for Attempt {
    type Data = Bytes;
    type Error = Unreadable;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        let attempt = &mut *self;
        let mut state = attempt.state.lock();
        if state.attempt != attempt.number {
            return Poll::Ready(Some(Err(Unreadable)));
        }
        if let Some(piece) = state.left(attempt.replayed).first() {
            attempt.replayed += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        attempt.replayed += 1;
        state.read(context)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state.lock();
        state.left(self.replayed).is_empty() && state.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.state.lock();
        let left = state.left(self.replayed).iter().map(Bytes::len).sum::<usize>() as u64;
        let rest = state.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + left);
        }
        hint.set_lower(rest.lower() + left);
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_sending_is_given_up() {
        let first = stream::iter([Ok::<_, std::io::Error>("first")]);
        let upload = Upload::new(reqwest::Body::wrap_stream(first.chain(stream::pending())));
        let mut body = upload.body();
        assert!(body.frame().await.unwrap().is_ok());

        let begun = Instant::now();
        assert!(body.frame().await.unwrap().is_err());
        assert_eq!(begun.elapsed(), request_body::SILENCE);
        assert_eq!(upload.failure().unwrap().class().0, 408);
    }
}
