//! A provider's answer: waiting for its pieces, holding it, reading it.

use crate::call::Timeouts;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::guard::Permit;
use crate::tap::Tapped;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use reqwest::Response;
use std::error::Error as _;
use tokio::time::{Instant, timeout_at};

/// The most of an answer that is held in memory: a blocking answer, or one event of a stream.
pub(crate) const HELD_AT_MOST: usize = 64 << 20;

/// The head of an answer, and how long to wait for the rest.
pub struct Answer {
    /// The answer; its body is not read yet.
    pub response: Response,
    /// When a blocking answer must be complete.
    pub(crate) deadline: Option<Instant>,
    /// What learns if it breaks off.
    pub(crate) permit: Option<Permit>,
    /// What sees it on the wire.
    pub(crate) tapped: Option<Tapped>,
    pub(crate) timeouts: Timeouts,
}

impl Answer {
    /// The next piece of the body, `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::UpstreamTimeout`] if the provider is silent for too long, [`Error::UpstreamBroken`] if the
    /// connection is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let (limit, patience) = match self.deadline {
            Some(deadline) => (deadline, self.timeouts.response),
            None => (Instant::now() + self.timeouts.stream_idle, self.timeouts.stream_idle),
        };
        let error = match timeout_at(limit, self.response.chunk()).await {
            Ok(Ok(chunk)) => {
                match (&chunk, &self.tapped) {
                    (Some(chunk), Some(tapped)) => tapped.chunk(chunk),
                    (Some(_), None) => {}
                    (None, _) => self.complete(),
                }
                return Ok(chunk);
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %causes(&error), "the provider's answer broke off");
                Error::UpstreamBroken
            }
            Err(_) => Error::UpstreamTimeout(patience),
        };
        if let Some(permit) = &mut self.permit {
            permit.failed(&error);
        }
        if let Some(tapped) = &self.tapped {
            tapped.failed(&error);
        }
        Err(error)
    }

    /// All that matters of the answer has come.
    pub(crate) fn complete(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.complete();
        }
    }
}

/// A successful answer is a stream if it says so, or if a stream was asked for and it does not say that it is JSON.
pub(crate) fn is_stream(answer: &Answer, asked_for: bool) -> bool {
    let content_type = answer.response.headers().get(header::CONTENT_TYPE);
    let is = |kind: &str| {
        content_type.is_some_and(|value| {
            value
                .as_bytes()
                .get(..kind.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(kind.as_bytes()))
        })
    };
    answer.response.status().is_success() && (is("text/event-stream") || asked_for && !is("application/json"))
}

/// The body of an answer as it reads. We ask for no encoding, but a provider may use one all the same.
pub(crate) fn readable(headers: &HeaderMap, body: &Bytes) -> Bytes {
    match Encoding::of(headers).and_then(|encoding| match encoding {
        Some(encoding) => encoding.decode(body, HELD_AT_MOST),
        None => Ok(body.clone()),
    }) {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!(%error, "an answer could not be read and is recorded without usage");
            Bytes::new()
        }
    }
}

/// A body that is held until it is complete: not copied if it came in one piece.
#[derive(Default)]
pub(crate) struct Held {
    first: Bytes,
    all: BytesMut,
}

impl Held {
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        if self.first.is_empty() {
            self.first = chunk;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
        if self.all.len() > HELD_AT_MOST { Err(Error::AnswerTooLarge(HELD_AT_MOST)) } else { Ok(()) }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

/// An error with all its causes but without its URL, which may hold what is nobody's business.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
