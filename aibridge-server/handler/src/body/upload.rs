//! A request body that is streamed to the provider.

use aibridge_intercept::{ErrorResponse, request_body};
use aibridge_limits::RequestPermit;
use axum::body::Body as AxumBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// A request body that keeps its length, and acquires the permit of its request with the first bytes. The lock makes it
/// `Sync`, as the HTTP client requires; it is never contended.
pub struct Upload(Mutex<UploadBody>);

struct UploadBody {
    body: AxumBody,
    /// Runs while the client sends nothing.
    silence: Option<Pin<Box<Sleep>>>,
    state: Arc<UploadState>,
}

/// The longest time for which a client may send nothing of its body while other requests are refused for lack of the
/// permit that it holds.
const MAX_CONTENDED_SILENCE: Duration = Duration::from_secs(5);

/// The state of an upload, shared with the handler of its request.
pub struct UploadState {
    /// Acquired with the first bytes.
    pub permit: Arc<RequestPermit>,
    refusal: Mutex<Option<ErrorResponse>>,
}

/// The reason why an upload cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The client's body cannot be read.
    #[error(transparent)]
    Body(#[from] axum::Error),
    /// The request got no permit, or kept one without sending: [`UploadState::refusal`] returns the error for the client.
    #[error("the gateway stopped reading the request")]
    Refused,
}

impl Upload {
    /// Creates an upload of `body` that acquires `permit`.
    pub fn new(body: AxumBody, permit: RequestPermit) -> (Self, Arc<UploadState>) {
        let state = Arc::new(UploadState { permit: Arc::new(permit), refusal: Mutex::default() });
        let upload = UploadBody { body, silence: None, state: state.clone() };
        (Self(Mutex::new(upload)), state)
    }
}

impl UploadState {
    /// Takes the error of a permit that could not be acquired.
    pub fn refusal(&self) -> Option<ErrorResponse> {
        self.refusal.lock().take()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    /// Drops trailers: the rules for headers cannot be applied to them after the head of the request is sent.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let UploadBody { body, silence, state } = self.0.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context)? else {
                let silent = silence.get_or_insert_with(|| Box::pin(sleep(MAX_CONTENDED_SILENCE)));
                ready!(silent.as_mut().poll(context));
                *silence = None;
                if state.permit.is_contended() {
                    *state.refusal.lock() = Some(request_body::idle_error().into());
                    return Poll::Ready(Some(Err(UploadError::Refused)));
                }
                continue;
            };
            *silence = None;
            let Some(frame) = frame else { return Poll::Ready(None) };
            if !frame.is_data() {
                continue;
            }
            if let Err(refusal) = state.permit.acquire() {
                *state.refusal.lock() = Some(refusal.into());
                return Poll::Ready(Some(Err(UploadError::Refused)));
            }
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_limits::RequestLimits;
    use futures_util::{StreamExt, stream};
    use http::{HeaderMap, HeaderValue, header};
    use http_body_util::{BodyExt, StreamBody};
    use quanta::Clock;
    use std::num::NonZeroU32;

    fn limits() -> RequestLimits {
        let settings =
            aibridge_config::Limits { max_concurrent_requests: NonZeroU32::new(1), ..Default::default() };
        RequestLimits::new(settings, Clock::mock().0)
    }

    #[tokio::test]
    async fn an_upload_takes_its_permit_with_the_first_bytes() {
        let limits = limits();
        let has_room = || limits.admit("bob", false).is_ok();
        let first = stream::iter([Ok::<_, std::io::Error>("first")]);
        let body = AxumBody::from_stream(first.chain(stream::pending()));

        let (mut upload, state) = Upload::new(body, limits.admit("ann", false).unwrap());
        assert!(has_room());
        assert!(upload.frame().await.unwrap().is_ok());
        assert!(!has_room());
        drop((upload, state));
        assert!(has_room());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_upload_gives_its_permit_up_when_others_wait() {
        let limits = limits();
        let first = stream::iter([Ok::<_, std::io::Error>("first")]);
        let body = AxumBody::from_stream(first.chain(stream::pending()));
        let (mut upload, uploaded) = Upload::new(body, limits.admit("ann", false).unwrap());
        assert!(upload.frame().await.unwrap().is_ok());
        let begun = tokio::time::Instant::now();
        assert!(upload.frame().await.unwrap().is_err());
        assert_eq!(begun.elapsed(), MAX_CONTENDED_SILENCE);
        assert_eq!(uploaded.refusal().unwrap().status, 408);
    }

    #[tokio::test]
    async fn an_upload_passes_data_and_leaves_trailers_out() {
        let trailers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("late"))]);
        let frames =
            [Frame::data(Bytes::from("a")), Frame::trailers(trailers), Frame::data(Bytes::from("b"))];
        let body = AxumBody::new(StreamBody::new(stream::iter(frames.map(Ok::<_, std::io::Error>))));
        let (upload, _state) = Upload::new(body, limits().admit("ann", false).unwrap());
        let collected = upload.collect().await.unwrap();
        assert!(collected.trailers().is_none());
        assert_eq!(collected.to_bytes(), "ab");
    }
}
