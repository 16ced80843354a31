//! A provider's response: its head, and the chunks of its body.

use crate::call::Timeouts;
use crate::guard::Permit;
use crate::tap::TappedAttempt;
use aibridge_error::Error;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::{HeaderMap, Version, header};
use reqwest::Response;
use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most bytes of a response that are buffered: of a blocking response, or of one event of a stream.
pub const MAX_BUFFERED_BYTES: usize = 64 << 20;

/// Available chunks are joined up to this number of bytes.
const MAX_COALESCED_BYTES: usize = 16 << 10;

/// After a wait of this time for a chunk, another one is unlikely to be available at once.
const COALESCING_PAUSE: Duration = Duration::from_millis(1);

/// The response of a provider, with its timeouts.
pub struct UpstreamResponse {
    /// The response of the HTTP client. Read its body with [`next_chunk`](Self::next_chunk).
    pub http: Response,
    /// The time by which a blocking response must be complete.
    pub(crate) deadline: Option<Instant>,
    /// The permit of the call, which reports the outcome to the guard.
    pub(crate) permit: Option<Permit>,
    /// Receives the traffic.
    pub(crate) tapped: Option<TappedAttempt>,
    pub(crate) timeouts: Timeouts,
    /// The end of the body, if it arrived together with a chunk and was not returned yet.
    pub(crate) end: Option<reqwest::Result<()>>,
}

impl UpstreamResponse {
    /// The response `http` of a call without a guard and a tap. It must be complete by `deadline`, if there is one.
    pub fn new(http: Response, deadline: Option<Instant>, timeouts: Timeouts) -> Self {
        Self { http, deadline, permit: None, tapped: None, timeouts, end: None }
    }

    /// Returns the next chunk of the body, joined with those that are available at once; `None` at the end of the body. A
    /// fast provider sends many small chunks, and each one that is relayed by itself costs a write and a wake-up.
    ///
    /// # Errors
    ///
    /// [`Error::UpstreamTimeout`] if the provider sends nothing for too long, [`Error::UpstreamDisconnected`] if the
    /// connection breaks, [`Error::InvalidResponse`] if the provider violates HTTP.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self.next_chunk_until(None).await? {
            NextChunk::Chunk(chunk) => Ok(Some(chunk)),
            NextChunk::End | NextChunk::TimedOut => Ok(None),
        }
    }

    /// Like [`next_chunk`](Self::next_chunk), but returns [`NextChunk::TimedOut`] if nothing has arrived by `until`.
    pub async fn next_chunk_until(&mut self, until: Option<Instant>) -> Result<NextChunk, Error> {
        let called_at = Instant::now();
        let first = match self.chunk(until).await? {
            NextChunk::Chunk(chunk) => chunk,
            other => return Ok(other),
        };
        let mut buffer = ChunkBuffer::from(first);
        let mut has_yielded = called_at.elapsed() >= COALESCING_PAUSE;
        while buffer.len() < MAX_COALESCED_BYTES {
            let Some(available) = self.http.chunk().now_or_never() else {
                // The connection is a task of its own that hands out one chunk at a time.
                if std::mem::replace(&mut has_yielded, true) {
                    break;
                }
                yield_once().await;
                continue;
            };
            has_yielded = false;
            match available {
                Ok(Some(chunk)) => {
                    self.tap_chunk(&chunk);
                    buffer.push(chunk);
                }
                // Returned by the next call: the chunks before may complete the response, and then it is no failure.
                end => {
                    self.end = Some(end.map(drop));
                    break;
                }
            }
        }
        Ok(NextChunk::Chunk(buffer.into_bytes()))
    }

    async fn chunk(&mut self, until: Option<Instant>) -> Result<NextChunk, Error> {
        if let Some(end) = self.end.take() {
            return self.accept(end.map(|()| None));
        }
        let (limit, timeout) = match self.deadline {
            Some(deadline) => (deadline, self.timeouts.response),
            None => (Instant::now() + self.timeouts.stream_idle, self.timeouts.stream_idle),
        };
        let earlier = until.filter(|until| *until < limit);
        match timeout_at(earlier.unwrap_or(limit), self.http.chunk()).await {
            Ok(result) => self.accept(result),
            Err(_) if earlier.is_some() => Ok(NextChunk::TimedOut),
            Err(_) => Err(self.fail(Error::UpstreamTimeout(timeout))),
        }
    }

    fn accept(&mut self, result: reqwest::Result<Option<Bytes>>) -> Result<NextChunk, Error> {
        match result {
            Ok(Some(chunk)) => {
                self.tap_chunk(&chunk);
                Ok(NextChunk::Chunk(chunk))
            }
            Ok(None) => Ok(NextChunk::End),
            Err(error) => {
                tracing::warn!(error = %causes(&error), "the provider's response broke off");
                let is_http = !violates_http(&error);
                Err(self.fail(if is_http { Error::UpstreamDisconnected } else { Error::InvalidResponse }))
            }
        }
    }

    fn tap_chunk(&self, chunk: &Bytes) {
        if let Some(tapped) = &self.tapped {
            tapped.on_chunk(chunk);
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        if let Some(permit) = &mut self.permit {
            permit.on_error(&error);
        }
        if let Some(tapped) = &self.tapped {
            tapped.on_error(&error);
        }
        error
    }

    /// Whether only the end of the connection ends the body (RFC 9112 §6.3), so that a lost connection looks like an end.
    pub fn ends_with_connection(&self) -> bool {
        let (version, headers) = (self.http.version(), self.http.headers());
        version <= Version::HTTP_11
            && !headers.contains_key(header::CONTENT_LENGTH)
            && !headers.contains_key(header::TRANSFER_ENCODING)
    }

    /// Drops the headers. Otherwise their values would keep the read buffer of the connection, 8 KiB, in memory while the
    /// stream lasts.
    pub fn drop_headers(&mut self) {
        *self.http.headers_mut() = HeaderMap::new();
    }

    /// Reports that the provider was lost, although the body seems to have ended.
    pub fn lose(&mut self) -> Error {
        self.fail(Error::UpstreamDisconnected)
    }

    /// Called when all relevant parts of the response have arrived. `is_failure`: it counts against the provider.
    pub fn complete(&mut self, is_failure: bool) {
        if let Some(permit) = &mut self.permit {
            permit.complete(is_failure);
        }
    }
}

/// The result of a wait for the next chunk of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum NextChunk {
    /// The next bytes of the body.
    Chunk(Bytes),
    /// The end of the body.
    End,
    /// Nothing has arrived in time.
    TimedOut,
}

/// Yields to other ready tasks once. Unlike Tokio's `yield_now`, it does not make the runtime poll the I/O driver first.
pub async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Chunks of a body, joined. A single chunk is not copied.
#[derive(Default)]
pub struct ChunkBuffer {
    first: Bytes,
    /// All chunks, if there are several.
    joined: BytesMut,
}

impl From<Bytes> for ChunkBuffer {
    fn from(first: Bytes) -> Self {
        Self { first, joined: BytesMut::new() }
    }
}

impl ChunkBuffer {
    /// Appends a chunk.
    pub fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first);
        }
        self.joined.extend_from_slice(&chunk);
    }

    /// The bytes of all chunks.
    pub fn as_slice(&self) -> &[u8] {
        if self.joined.is_empty() { &self.first } else { &self.joined }
    }

    /// The number of bytes of all chunks.
    pub(crate) fn len(&self) -> usize {
        self.first.len().max(self.joined.len())
    }

    /// The bytes of all chunks, in one piece.
    pub fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

/// The causes of an error, without its URL, which may contain credentials.
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

/// Whether the error is a violation of HTTP rather than a broken connection.
pub(crate) fn violates_http(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let is_bad_head = error.downcast_ref().is_some_and(hyper::Error::is_parse);
        // A chunk with an invalid size.
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
    use crate::guard::{Admission, CallOutcome, Guard, Rejection};
    use futures_util::stream;
    use parking_lot::Mutex;
    use std::sync::Arc;

    /// Admits every call and stores the reported outcomes.
    #[derive(Default)]
    struct OutcomeLog(Mutex<Vec<CallOutcome>>);

    impl Guard for OutcomeLog {
        fn admit(&self, _: bool) -> Result<Admission, Rejection> {
            Ok(Admission::Normal)
        }

        fn is_failure(&self, _: u16) -> bool {
            false
        }

        fn release(&self, _: Admission) {}

        fn report(&self, _: Admission, outcome: CallOutcome) {
            self.0.lock().push(outcome);
        }
    }

    /// A response with two chunks that are available at once, and then a broken connection.
    fn broken(guard: Arc<OutcomeLog>) -> UpstreamResponse {
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        let chunks = [Ok("data: 1\n\n"), Ok("data: [DONE]\n\n"), Err(reset())];
        let body = reqwest::Body::wrap_stream(stream::iter(chunks));
        let wait = Duration::from_secs(60);
        let timeouts = Timeouts {
            connect: wait,
            response: wait,
            stream_idle: wait,
            keep_alive: wait,
            drain_on_disconnect: Duration::ZERO,
        };
        let response = UpstreamResponse::new(http::Response::new(body).into(), None, timeouts);
        UpstreamResponse { permit: Permit::acquire(guard, true).ok(), ..response }
    }

    #[tokio::test]
    async fn joins_available_chunks_and_reports_a_broken_connection_after_them() {
        for (is_complete, expected) in [(true, CallOutcome::Success), (false, CallOutcome::Failure)] {
            let guard = Arc::new(OutcomeLog::default());
            let mut response = broken(guard.clone());
            assert_eq!(response.next_chunk().await.unwrap().unwrap(), "data: 1\n\ndata: [DONE]\n\n");
            assert_eq!(*guard.0.lock(), [], "the last event may complete the response");
            if is_complete {
                response.complete(false);
            }
            assert!(matches!(response.next_chunk().await, Err(Error::UpstreamDisconnected)));
            assert_eq!(*guard.0.lock(), [expected]);
        }
    }
}
