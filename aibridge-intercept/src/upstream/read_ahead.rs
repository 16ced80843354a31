//! Reads the beginning of an answer before it is decided what becomes of it. Nothing is lost: the answer can be relayed
//! after that as if nobody had read from it.

use crate::answer::Answer;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most that is read ahead: error objects are small.
pub(super) const READ_AHEAD_MAX: usize = 64 * 1024;

/// How long is waited for it: whoever refuses a request has nothing to compute.
const READ_AHEAD_WITHIN: Duration = Duration::from_secs(2);

/// An answer as it came, and the beginning of its body, or all of it.
pub(super) async fn read_ahead(mut answer: Answer) -> (Answer, Bytes) {
    let limit = Instant::now() + READ_AHEAD_WITHIN;
    let limit = answer.deadline.map_or(limit, |deadline| deadline.min(limit));
    let (mut ahead, mut length, mut broke) = (VecDeque::new(), 0, None);
    while length <= READ_AHEAD_MAX {
        match timeout_at(limit, answer.response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                length += chunk.len();
                ahead.push_back(chunk);
            }
            Ok(Err(error)) => {
                broke = Some(error);
                break;
            }
            Ok(Ok(None)) | Err(_) => break,
        }
    }
    let text = match ahead.len() {
        1 => ahead[0].clone(),
        _ => ahead.iter().flatten().copied().collect(),
    };
    if ahead.is_empty() && broke.is_none() {
        return (answer, text);
    }
    let (parts, rest) = http::Response::from(answer.response).into_parts();
    let body = reqwest::Body::wrap(ReadAhead { ahead, broke, rest });
    answer.response = http::Response::from_parts(parts, body).into();
    (answer, text)
}

/// A body of which the beginning is here already.
struct ReadAhead {
    ahead: VecDeque<Bytes>,
    /// How the body ended after that, if it broke off.
    broke: Option<reqwest::Error>,
    rest: reqwest::Body,
}

impl Body for ReadAhead {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        if let Some(chunk) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match self.broke.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.broke.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: u64 = self.ahead.iter().map(|chunk| chunk.len() as u64).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(ahead));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(ahead));
        }
        hint
    }
}
