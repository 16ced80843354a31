//! The bounded queue between an interception's task and the client's connection. It applies back-pressure, and both ends
//! notice at once when the other one stops.

use aibridge_error::Error;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// The number of pieces that may wait for a slow client before the upstream is not read any further. One is written
/// while the other is ready; more would only cost memory.
const QUEUE_PIECES: usize = 2;

/// A client that reads nothing for this time counts as disconnected.
const CLIENT_STALL_TIMEOUT: Duration = Duration::from_secs(300);

/// The reason why a relay stops before its end.
#[derive(Debug)]
pub enum RelayError {
    /// The client closed its connection, or reads too slowly.
    ClientDisconnected,
    /// The gateway or the provider failed.
    Failed(Error),
}

impl From<Error> for RelayError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The sending end of a response to the client, for the task that produces it.
#[derive(Debug)]
pub(crate) struct Downstream {
    state: State,
    /// The time for which the upstream is read on after the client has left.
    drain: Duration,
    /// Cancelled when the grace period of a shutdown is over.
    abort: CancellationToken,
}

#[derive(Debug)]
enum State {
    /// No head was sent.
    Waiting(oneshot::Sender<Response<ResponseBody>>),
    /// The head was sent, and pieces of the body follow.
    Streaming(mpsc::Sender<Part>),
    /// The client has left, and the upstream is read on until this time.
    Draining(Instant),
    /// The response is complete or aborted.
    Closed,
}

#[derive(Debug)]
enum Part {
    Data(Bytes),
    /// The end of the body. Without it the body ends with an error, so that an aborted response never looks complete.
    End,
}

/// The receiving end of the response.
pub(crate) type PendingResponse = oneshot::Receiver<Response<ResponseBody>>;

impl Downstream {
    /// Both ends of a response. Cancelling `abort` stops the sending end.
    pub(crate) fn new(abort: CancellationToken) -> (Self, PendingResponse) {
        let (sender, receiver) = oneshot::channel();
        (Self { state: State::Waiting(sender), drain: Duration::ZERO, abort }, receiver)
    }

    /// Sets the time for which the upstream is read on after the client has left, to receive the usage of the response.
    pub(crate) fn set_drain(&mut self, drain: Duration) {
        self.drain = drain;
    }

    /// Whether the client left while the upstream was read on.
    pub(crate) fn is_draining(&self) -> bool {
        matches!(self.state, State::Draining(_))
    }

    /// Awaits `work`, unless the client disconnects or the gateway stops first.
    pub(crate) async fn unless_stopped<F: Future>(&mut self, work: F) -> Result<F::Output, RelayError> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return Ok(output),
                () = self.state.disconnected() => self.drain_or_stop()?,
                () = self.abort.cancelled() => return Err(RelayError::Failed(Error::ShuttingDown)),
            }
        }
    }

    /// Begins to drain after the client has left, if draining is enabled and has not begun. Otherwise, returns an error.
    fn drain_or_stop(&mut self) -> Result<(), RelayError> {
        if self.drain.is_zero() || self.is_draining() {
            return Err(RelayError::ClientDisconnected);
        }
        self.state = State::Draining(Instant::now() + self.drain);
        Ok(())
    }

    /// Sends a complete response.
    pub(crate) fn respond(&mut self, status: StatusCode, headers: HeaderMap, body: Bytes) {
        if let State::Waiting(sender) = std::mem::replace(&mut self.state, State::Closed) {
            // It fails if the client is disconnected, which ends this response anyway.
            let _ = sender.send(response(status, headers, ResponseBody(Inner::Whole(Some(body)))));
        }
    }

    /// Sends the head of a response whose pieces follow. `length` is that of the body, if it is known.
    pub(crate) fn begin(&mut self, status: StatusCode, headers: HeaderMap, length: Option<u64>) {
        let (pieces, receiver) = mpsc::channel(QUEUE_PIECES);
        let body = ResponseBody(Inner::Pieces { receiver, remaining: length, is_aborted: false });
        if let State::Waiting(sender) = std::mem::replace(&mut self.state, State::Streaming(pieces)) {
            let _ = sender.send(response(status, headers, body));
        }
    }

    /// Whether the head was sent.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }

    /// Sends a piece of the body. Waits while the queue is full.
    pub(crate) async fn send(&mut self, piece: Bytes) -> Result<(), RelayError> {
        let State::Streaming(pieces) = &self.state else { return Ok(()) };
        let pieces = pieces.clone();
        match pieces.try_send(Part::Data(piece)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => self.drain_or_stop(),
            Err(mpsc::error::TrySendError::Full(part)) => {
                match self.unless_stopped(timeout(CLIENT_STALL_TIMEOUT, pieces.send(part))).await? {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) | Err(_) if self.is_draining() => Ok(()),
                    Ok(Err(_)) | Err(_) => self.drain_or_stop(),
                }
            }
        }
    }

    /// Completes the response.
    pub(crate) async fn end(&mut self) {
        if self.is_draining() {
            return;
        }
        if let State::Streaming(pieces) = std::mem::replace(&mut self.state, State::Closed) {
            let _ = timeout(CLIENT_STALL_TIMEOUT, pieces.send(Part::End)).await;
        }
    }

    /// Ends the response so that it does not look complete.
    pub(crate) fn abort(&mut self) {
        self.state = State::Closed;
    }
}

impl State {
    async fn disconnected(&mut self) {
        match self {
            Self::Waiting(sender) => sender.closed().await,
            Self::Streaming(pieces) => pieces.closed().await,
            Self::Draining(until) => sleep_until(*until).await,
            Self::Closed => std::future::pending().await,
        }
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body of a response, whole or in pieces. Dropping it stops the task that produces it.
#[derive(Debug)]
pub struct ResponseBody(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Option<Bytes>),
    Pieces {
        receiver: mpsc::Receiver<Part>,
        /// The number of bytes to come, if it is known.
        remaining: Option<u64>,
        /// The response was aborted; pieces from before may not be written yet.
        is_aborted: bool,
    },
}

/// The error at the end of an aborted response.
#[derive(Debug, thiserror::Error)]
#[error("the response was aborted before its end")]
pub struct IncompleteBody;

impl From<Bytes> for ResponseBody {
    fn from(body: Bytes) -> Self {
        Self(Inner::Whole(Some(body)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = IncompleteBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        match &mut self.0 {
            Inner::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Inner::Pieces { receiver, remaining, is_aborted } => match ready!(receiver.poll_recv(context)) {
                Some(Part::Data(piece)) => {
                    *remaining = remaining.map(|remaining| remaining.saturating_sub(piece.len() as u64));
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                Some(Part::End) => Poll::Ready(None),
                // On an error hyper drops unwritten pieces. It writes them before it waits, so it waits once.
                None if !std::mem::replace(is_aborted, true) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(IncompleteBody))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Whole(body) if body.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Inner::Pieces { remaining, .. } => remaining.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

/// Pieces that are sent together. Adjacent slices of one chunk are joined to one piece, without a copy.
#[derive(Debug)]
pub(crate) struct Batch {
    chunk: Bytes,
    pieces: Vec<Bytes>,
}

impl Batch {
    pub(crate) fn of(chunk: Bytes) -> Self {
        Self { chunk, pieces: Vec::new() }
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        let joined = self.pieces.last().and_then(|last| {
            let start = last.as_ptr().addr().checked_sub(self.chunk.as_ptr().addr())?;
            let end = start + last.len();
            let adjacent = piece.as_ptr().addr() == last.as_ptr().addr() + last.len();
            let within = end + piece.len() <= self.chunk.len();
            (adjacent && within).then(|| self.chunk.slice(start..end + piece.len()))
        });
        match (joined, self.pieces.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ if piece.is_empty() => {}
            _ => self.pieces.push(piece),
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_only_adjacent_slices_of_the_chunk() {
        let chunk = Bytes::from_static(b"0123456789");
        let mut batch = Batch::of(chunk.clone());
        batch.push(Bytes::from_static(b"from before"));
        batch.push(chunk.slice(0..3));
        batch.push(chunk.slice(3..5));
        batch.push(chunk.slice(6..8));
        batch.push(chunk.slice(8..10));
        assert_eq!(batch.take(), ["from before", "01234", "6789"]);
    }

    #[tokio::test]
    async fn a_body_without_its_end_fails() {
        let (mut downstream, response) = Downstream::new(CancellationToken::new());
        downstream.begin(StatusCode::OK, HeaderMap::new(), None);
        downstream.send(Bytes::from_static(b"a")).await.unwrap();
        downstream.abort();
        let body = response.await.unwrap().into_body();
        assert!(http_body_util::BodyExt::collect(body).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_disconnects_stops_the_work() {
        let (mut downstream, response) = Downstream::new(CancellationToken::new());
        drop(response);
        let stopped = downstream.unless_stopped(std::future::pending::<()>()).await;
        assert!(matches!(stopped, Err(RelayError::ClientDisconnected)));

        let (mut downstream, response) = Downstream::new(CancellationToken::new());
        downstream.begin(StatusCode::OK, HeaderMap::new(), None);
        drop(response);
        let stopped = downstream.unless_stopped(std::future::pending::<()>()).await;
        assert!(matches!(stopped, Err(RelayError::ClientDisconnected)));
        assert!(matches!(
            downstream.send(Bytes::from_static(b"a")).await,
            Err(RelayError::ClientDisconnected)
        ));
    }
}
