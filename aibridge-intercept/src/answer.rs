//! A provider's answer: waiting for its pieces, holding it, reading it.

use crate::call::Timeouts;
use crate::error::Error;
use crate::guard::Permit;
use crate::tap::Tapped;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use reqwest::Response;
use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most of an answer that is held in memory: a blocking answer, or one event of a stream.
pub(crate) const HELD_AT_MOST: usize = 64 << 20;

/// How much of what has come already is passed on together.
const GATHERED_AT_MOST: usize = 16 << 10;

/// A chunk that was waited for so long has hardly another right behind it: it is not worth a look.
const QUIET: Duration = Duration::from_millis(1);

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
    /// How the body ended, if that was seen before it was asked for.
    pub(crate) over: Option<reqwest::Result<()>>,
}

impl Answer {
    /// The next piece of the body, together with what has come behind it by now; `None` at its end. A provider that is
    /// fast sends many small chunks at once, and each that goes on by itself would cost a write and a wake of its own.
    ///
    /// # Errors
    ///
    /// [`Error::UpstreamTimeout`] if the provider is silent for too long, [`Error::UpstreamBroken`] if the connection
    /// is lost, [`Error::AnswerInvalid`] if the provider breaks the rules of HTTP.
    pub async fn chunks(&mut self) -> Result<Option<Bytes>, Error> {
        match self.chunks_until(None).await? {
            Came::Chunk(chunk) => Ok(Some(chunk)),
            Came::End | Came::NotYet => Ok(None),
        }
    }

    /// Like [`chunks`](Self::chunks), but returns [`Came::NotYet`] if nothing has come at `until`.
    pub(crate) async fn chunks_until(&mut self, until: Option<Instant>) -> Result<Came, Error> {
        let asked_at = Instant::now();
        let first = match self.chunk(until).await? {
            Came::Chunk(chunk) => chunk,
            other => return Ok(other),
        };
        let mut all = Gathered::from(first);
        let mut others_had_a_turn = asked_at.elapsed() >= QUIET;
        while all.len() < GATHERED_AT_MOST {
            let Some(came) = self.response.chunk().now_or_never() else {
                // The connection is a task of its own, which hands out one chunk at a time.
                if std::mem::replace(&mut others_had_a_turn, true) {
                    break;
                }
                yield_once().await;
                continue;
            };
            others_had_a_turn = false;
            match came {
                Ok(Some(chunk)) => {
                    self.saw(&chunk);
                    all.push(chunk);
                }
                // Told when it is asked for: what came before may make it no failure.
                over => {
                    self.over = Some(over.map(drop));
                    break;
                }
            }
        }
        Ok(Came::Chunk(all.into_bytes()))
    }

    async fn chunk(&mut self, until: Option<Instant>) -> Result<Came, Error> {
        if let Some(over) = self.over.take() {
            return self.came(over.map(|()| None));
        }
        let (limit, timeout_scope) = match self.deadline {
            Some(deadline) => (deadline, self.timeouts.response),
            None => (Instant::now() + self.timeouts.stream_idle, self.timeouts.stream_idle),
        };
        let pause = until.filter(|until| *until < limit);
        match timeout_at(pause.unwrap_or(limit), self.response.chunk()).await {
            Ok(came) => self.came(came),
            Err(_) if pause.is_some() => Ok(Came::NotYet),
            Err(_) => Err(self.failed(Error::UpstreamTimeout(timeout_scope))),
        }
    }

    fn came(&mut self, came: reqwest::Result<Option<Bytes>>) -> Result<Came, Error> {
        match came {
            Ok(Some(chunk)) => {
                self.saw(&chunk);
                Ok(Came::Chunk(chunk))
            }
            Ok(None) => Ok(Came::End),
            Err(error) => {
                tracing::warn!(error = %causes(&error), "the provider's answer broke off");
                let is_http = !breaks_http(&error);
                Err(self.failed(if is_http { Error::UpstreamBroken } else { Error::AnswerInvalid }))
            }
        }
    }

    fn saw(&self, chunk: &Bytes) {
        if let Some(tapped) = &self.tapped {
            tapped.chunk(chunk);
        }
    }

    fn failed(&mut self, error: Error) -> Error {
        if let Some(permit) = &mut self.permit {
            permit.failed(&error);
        }
        if let Some(tapped) = &self.tapped {
            tapped.failed(&error);
        }
        error
    }

    /// All that matters of the answer has come. It counts against the provider if it `is_failure`.
    pub(crate) fn complete(&mut self, is_failure: bool) {
        if let Some(permit) = &mut self.permit {
            permit.complete(is_failure);
        }
    }
}

/// The result of waiting for a piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A piece.
    Chunk(Bytes),
    /// The body is over.
    End,
    /// Nothing, by the time that was given.
    NotYet,
}

/// Lets the tasks run that are ready. Unlike Tokio's `yield_now`, without asking the system for news first.
pub(crate) async fn yield_once() {
    let mut gave = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Chunks put together: not copied if there is only one.
#[derive(Default)]
pub(crate) struct Gathered {
    first: Bytes,
    all: BytesMut,
}

impl From<Bytes> for Gathered {
    fn from(first: Bytes) -> Self {
        Self { first, all: BytesMut::new() }
    }
}

impl Gathered {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.all.is_empty() { &self.first } else { &self.all }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len().max(self.all.len())
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

/// Whether a provider broke the rules of HTTP, rather than the connection.
pub(crate) fn breaks_http(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let is_bad_head = error.downcast_ref().is_some_and(hyper::Error::is_parse);
        // A chunk whose size is no number.
        let is_bad_body = error.downcast_ref().is_some_and(|error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
        });
        if is_bad_head || is_bad_body {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{Admission, CallOutcome, Guard, Rejected};
    use futures_util::stream;
    use parking_lot::Mutex;
    use std::sync::Arc;

    /// Admits everything, and keeps what it is told.
    #[derive(Default)]
    struct Told(Mutex<Vec<CallOutcome>>);

    impl Guard for Told {
        fn admit(&self, _: bool) -> Result<Admission, Rejected> {
            Ok(Admission::Normal)
        }

        fn is_failure(&self, _: u16) -> bool {
            false
        }

        fn release(&self, _: Admission) {}

        fn report(&self, _: Admission, went: CallOutcome) {
            self.0.lock().push(went);
        }
    }

    /// An answer whose body is all there: two chunks, and then it breaks off.
    fn broken(guard: Arc<Told>) -> Answer {
        let broke = || io::Error::from(io::ErrorKind::ConnectionReset);
        let chunks = [Ok("data: 1\n\n"), Ok("data: [DONE]\n\n"), Err(broke())];
        let body = reqwest::Body::wrap_stream(stream::iter(chunks));
        let wait = Duration::from_secs(60);
        Answer {
            response: http::Response::new(body).into(),
            deadline: None,
            permit: Permit::ask(guard, true).ok(),
            tapped: None,
            timeouts: Timeouts { connect: wait, response: wait, stream_idle: wait, keep_alive: wait },
            over: None,
        }
    }

    #[tokio::test]
    async fn what_came_together_goes_on_together_and_a_break_is_told_behind_it() {
        for (is_complete, expected) in [(true, CallOutcome::Success), (false, CallOutcome::Failure)] {
            let guard = Arc::new(Told::default());
            let mut answer = broken(guard.clone());
            assert_eq!(answer.chunks().await.unwrap().unwrap(), "data: 1\n\ndata: [DONE]\n\n");
            assert_eq!(*guard.0.lock(), [], "nobody knows yet what the last event means");
            if is_complete {
                answer.complete(false);
            }
            assert!(matches!(answer.chunks().await, Err(Error::UpstreamBroken)));
            assert_eq!(*guard.0.lock(), [expected]);
        }
    }
}
