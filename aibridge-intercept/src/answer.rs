//! A provider's answer: waiting for its pieces, holding it, reading it.

use crate::call::Timeouts;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::guard::Permit;
use crate::tap::Tapped;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::{HeaderMap, header};
use reqwest::Response;
use std::error::Error as _;
use std::future::poll_fn;
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
    /// The next piece of the body, `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::UpstreamTimeout`] if the provider is silent for too long, [`Error::UpstreamBroken`] if the
    /// connection is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(over) = self.over.take() {
            return self.came(over.map(|()| None));
        }
        let (limit, patience) = match self.deadline {
            Some(deadline) => (deadline, self.timeouts.response),
            None => (Instant::now() + self.timeouts.stream_idle, self.timeouts.stream_idle),
        };
        match timeout_at(limit, self.response.chunk()).await {
            Ok(came) => self.came(came),
            Err(_) => Err(self.failed(Error::UpstreamTimeout(patience))),
        }
    }

    /// Like [`chunk`](Self::chunk), together with what has come behind it by now: a provider that is fast sends many
    /// small chunks at once, and each that goes on by itself would cost a write and a wake of its own.
    ///
    /// # Errors
    ///
    /// As with [`chunk`](Self::chunk).
    pub async fn chunks(&mut self) -> Result<Option<Bytes>, Error> {
        let asked_at = Instant::now();
        let Some(first) = self.chunk().await? else { return Ok(None) };
        let mut all = Gathered::from(first);
        let mut others_had_a_turn = asked_at.elapsed() >= QUIET;
        while all.len() < GATHERED_AT_MOST {
            let Some(came) = self.response.chunk().now_or_never() else {
                // The connection is a task of its own, which hands out one chunk at a time.
                if std::mem::replace(&mut others_had_a_turn, true) {
                    break;
                }
                give_way().await;
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
        Ok(Some(all.into_bytes()))
    }

    fn came(&mut self, came: reqwest::Result<Option<Bytes>>) -> Result<Option<Bytes>, Error> {
        match came {
            Ok(chunk) => {
                match &chunk {
                    Some(chunk) => self.saw(chunk),
                    None => self.complete(),
                }
                Ok(chunk)
            }
            Err(error) => {
                tracing::warn!(error = %causes(&error), "the provider's answer broke off");
                Err(self.failed(Error::UpstreamBroken))
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

    /// All that matters of the answer has come.
    pub(crate) fn complete(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.complete();
        }
    }
}

/// Lets the tasks run that are ready. Unlike Tokio's `yield_now`, without asking the system for news first.
pub(crate) async fn give_way() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{Admission, Guard, Rejected, Went};
    use futures_util::stream;
    use parking_lot::Mutex;
    use std::io;
    use std::sync::Arc;

    /// Admits everything, and keeps what it is told.
    #[derive(Default)]
    struct Told(Mutex<Vec<Went>>);

    impl Guard for Told {
        fn admit(&self, _: bool) -> Result<Admission, Rejected> {
            Ok(Admission::Normal)
        }

        fn is_failure(&self, _: u16) -> bool {
            false
        }

        fn release(&self, _: Admission) {}

        fn report(&self, _: Admission, went: Went) {
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
        for (is_complete, expected) in [(true, Went::Well), (false, Went::Badly)] {
            let guard = Arc::new(Told::default());
            let mut answer = broken(guard.clone());
            assert_eq!(answer.chunks().await.unwrap().unwrap(), "data: 1\n\ndata: [DONE]\n\n");
            assert_eq!(*guard.0.lock(), [], "nobody knows yet what the last event means");
            if is_complete {
                answer.complete();
            }
            assert!(matches!(answer.chunks().await, Err(Error::UpstreamBroken)));
            assert_eq!(*guard.0.lock(), [expected]);
        }
    }
}
