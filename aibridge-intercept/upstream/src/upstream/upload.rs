//! A client's body that is sent to the provider while it arrives.

use crate::request_body;
use crate::requested_model::{ModelReader, RequestedModel};
use aibridge_error::Error;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Sleep, sleep};

/// The most bytes of a body that are buffered for a second attempt. A longer body has one attempt.
const MAX_REPLAY_BYTES: usize = 64 << 10;

/// A body for up to two attempts, which stores its model and the reason why it could not be read.
pub(super) struct Upload(Arc<Mutex<State>>);

struct State {
    body: reqwest::Body,
    /// The pieces that were read; `None` if they exceed [`MAX_REPLAY_BYTES`].
    replay: Option<Vec<Bytes>>,
    replay_bytes: usize,
    model: ModelReader,
    /// The number of the current attempt. The bodies of earlier ones fail.
    attempt: usize,
    idle_timer: Option<Pin<Box<Sleep>>>,
    /// The client has sent the whole body.
    is_complete: bool,
    failure: Option<Error>,
}

/// The body of one attempt.
struct Attempt {
    state: Arc<Mutex<State>>,
    number: usize,
    /// The number of buffered pieces that were sent.
    replayed: usize,
}

/// The body of this attempt cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[error("the client's body cannot be read")]
struct Unreadable;

impl Upload {
    pub(super) fn new(body: reqwest::Body, model: ModelReader) -> Self {
        Self(Arc::new(Mutex::new(State {
            body,
            replay: Some(Vec::new()),
            replay_bytes: 0,
            model,
            attempt: 0,
            idle_timer: None,
            is_complete: false,
            failure: None,
        })))
    }

    /// The body from its start, for the next attempt. Check [`is_replayable`](Self::is_replayable) before the second one.
    pub(super) fn body(&self) -> reqwest::Body {
        let mut state = self.0.lock();
        state.attempt += 1;
        reqwest::Body::wrap(Attempt { state: self.0.clone(), number: state.attempt, replayed: 0 })
    }

    /// Whether the body can be sent from its start.
    pub(super) fn is_replayable(&self) -> bool {
        self.0.lock().replay.is_some()
    }

    /// The error for a request that took too long while the client was still sending; `None` if the body is complete.
    pub(super) fn timeout_error(&self) -> Option<Error> {
        let state = self.0.lock();
        let is_complete = state.is_complete || state.body.is_end_stream();
        (!is_complete).then(request_body::timeout_error)
    }

    /// The model in the body, as far as the body has passed.
    pub(super) fn model(&self) -> RequestedModel {
        self.0.lock().model.model()
    }

    /// Takes the reason why the client's body could not be read, if it could not.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.lock().failure.take()
    }
}

impl State {
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => {
                let timer =
                    self.idle_timer.get_or_insert_with(|| Box::pin(sleep(request_body::IDLE_TIMEOUT)));
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.failure = Some(request_body::idle_error());
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.idle_timer = None;
                if let Some(data) = frame.data_ref() {
                    self.model.push(data);
                    self.buffer(data);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(error))) => self.failure = Some(request_body::read_error(&error)),
            Poll::Ready(None) => {
                self.is_complete = true;
                self.model.finish();
                return Poll::Ready(None);
            }
        }
        Poll::Ready(Some(Err(Unreadable)))
    }

    fn buffer(&mut self, data: &Bytes) {
        self.replay_bytes += data.len();
        if self.replay_bytes > MAX_REPLAY_BYTES {
            self.replay = None;
        }
        if let Some(replay) = &mut self.replay {
            replay.push(data.clone());
        }
    }

    /// The buffered pieces from `replayed` on.
    fn pieces_from(&self, replayed: usize) -> &[Bytes] {
        self.replay.as_deref().and_then(|replay| replay.get(replayed..)).unwrap_or_default()
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
        if let Some(piece) = state.pieces_from(attempt.replayed).first() {
            attempt.replayed += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        attempt.replayed += 1;
        state.read(context)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state.lock();
        state.pieces_from(self.replayed).is_empty() && state.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.state.lock();
        let buffered = state.pieces_from(self.replayed).iter().map(Bytes::len).sum::<usize>() as u64;
        let rest = state.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + buffered);
        }
        hint.set_lower(rest.lower() + buffered);
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
    async fn a_client_that_stops_sending_times_out() {
        let first = stream::iter([Ok::<_, std::io::Error>("first")]);
        let upload =
            Upload::new(reqwest::Body::wrap_stream(first.chain(stream::pending())), ModelReader::idle());
        let mut body = upload.body();
        assert!(body.frame().await.unwrap().is_ok());

        let begun_at = Instant::now();
        assert!(body.frame().await.unwrap().is_err());
        assert_eq!(begun_at.elapsed(), request_body::IDLE_TIMEOUT);
        assert_eq!(aibridge_error::ErrorResponse::from(upload.failure().unwrap()).status, 408);
    }
}
