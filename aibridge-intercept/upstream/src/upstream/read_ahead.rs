//! Reads the start of a response before the decision whether to relay it. The bytes stay in the response, so that it can
//! still be relayed as a whole.

use crate::response::UpstreamResponse;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most bytes that are read ahead. Error objects are small.
pub(super) const READ_AHEAD_MAX: usize = 64 * 1024;

/// The timeout for those bytes. A refusal takes no time to compute.
const READ_AHEAD_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the start of a body. Returns the response with its whole body, and a copy of the start.
pub(super) async fn read_ahead(mut response: UpstreamResponse) -> (UpstreamResponse, Bytes) {
    let limit = Instant::now() + READ_AHEAD_TIMEOUT;
    let limit = response.deadline.map_or(limit, |deadline| deadline.min(limit));
    let (mut ahead, mut length, mut failure) = (VecDeque::new(), 0, None);
    while length <= READ_AHEAD_MAX {
        match timeout_at(limit, response.http.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                length += chunk.len();
                ahead.push_back(chunk);
            }
            Ok(Err(error)) => {
                failure = Some(error);
                break;
            }
            Ok(Ok(None)) | Err(_) => break,
        }
    }
    let text = match ahead.len() {
        1 => ahead[0].clone(),
        _ => ahead.iter().flatten().copied().collect(),
    };
    if ahead.is_empty() && failure.is_none() {
        return (response, text);
    }
    let (parts, rest) = http::Response::from(response.http).into_parts();
    let body = reqwest::Body::wrap(ReadAhead { ahead, failure, rest });
    response.http = http::Response::from_parts(parts, body).into();
    (response, text)
}

/// A body whose start was read already.
struct ReadAhead {
    ahead: VecDeque<Bytes>,
    /// The error that follows, if the body broke off there.
    failure: Option<reqwest::Error>,
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
        match self.failure.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.failure.is_none() && self.rest.is_end_stream()
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
