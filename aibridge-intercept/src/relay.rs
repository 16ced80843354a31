//! Upstream bytes to the client: with back-pressure, and noticing at once when it is time to stop.

use crate::error::Error;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How many pieces may wait for a slow client before its upstream is not read any further. One is being written
/// while the other is ready; more would only be memory.
const PIECES_IN_FLIGHT: usize = 2;

/// A client that takes nothing for so long is taken for gone.
const CLIENT_STALL: Duration = Duration::from_secs(300);

/// Why a relay stops before its end.
#[derive(Debug)]
pub enum RelayError {
    /// The client went away.
    ClientGone,
    /// The gateway or the provider failed.
    Failed(Error),
}

impl From<Error> for RelayError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The client's end of an answer, as the task that produces it sees it.
#[derive(Debug)]
pub(crate) struct Client {
    state: State,
    /// Open answers are cut: the grace period of a shutdown is over.
    cut: CancellationToken,
}

#[derive(Debug)]
enum State {
    Waiting(oneshot::Sender<Response<AnswerBody>>),
    Streaming(mpsc::Sender<Part>),
    Over,
}

#[derive(Debug)]
enum Part {
    Data(Bytes),
    /// Without it the body ends in an error: what breaks off never looks complete.
    End,
}

/// Where the answer's head will arrive.
pub(crate) type Answered = oneshot::Receiver<Response<AnswerBody>>;

impl Client {
    pub(crate) fn new(cut: CancellationToken) -> (Self, Answered) {
        let (answer, answered) = oneshot::channel();
        (Self { state: State::Waiting(answer), cut }, answered)
    }

    /// Does `work`, unless the client goes away or the gateway stops first.
    pub(crate) async fn unless_stopped<F: Future>(&mut self, work: F) -> Result<F::Output, RelayError> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.state.gone() => Err(RelayError::ClientGone),
            () = self.cut.cancelled() => Err(RelayError::Failed(Error::ShuttingDown)),
        }
    }

    /// Answers whole.
    pub(crate) fn respond(&mut self, status: StatusCode, headers: HeaderMap, body: Bytes) {
        if let State::Waiting(answer) = std::mem::replace(&mut self.state, State::Over) {
            // That it cannot be delivered means that the client is gone, which ends this answer anyway.
            let _ = answer.send(response(status, headers, AnswerBody(Inner::Whole(Some(body)))));
        }
    }

    /// Begins an answer whose pieces follow; `length` if it is known.
    pub(crate) fn begin(&mut self, status: StatusCode, headers: HeaderMap, length: Option<u64>) {
        let (pieces, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let body = AnswerBody(Inner::Pieces { receiver, left: length, broken: false });
        if let State::Waiting(answer) = std::mem::replace(&mut self.state, State::Streaming(pieces)) {
            let _ = answer.send(response(status, headers, body));
        }
    }

    /// Whether the head is on its way.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }

    /// Sends a piece, when the client has taken those before.
    pub(crate) async fn send(&mut self, piece: Bytes) -> Result<(), RelayError> {
        let State::Streaming(pieces) = &self.state else { return Ok(()) };
        let pieces = pieces.clone();
        match pieces.try_send(Part::Data(piece)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(RelayError::ClientGone),
            Err(mpsc::error::TrySendError::Full(part)) => {
                match self.unless_stopped(timeout(CLIENT_STALL, pieces.send(part))).await? {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) | Err(_) => Err(RelayError::ClientGone),
                }
            }
        }
    }

    /// Ends the answer properly.
    pub(crate) async fn end(&mut self) {
        if let State::Streaming(pieces) = std::mem::replace(&mut self.state, State::Over) {
            let _ = timeout(CLIENT_STALL, pieces.send(Part::End)).await;
        }
    }

    /// Ends the answer so that nobody takes it for complete.
    pub(crate) fn abort(&mut self) {
        self.state = State::Over;
    }
}

impl State {
    async fn gone(&mut self) {
        match self {
            Self::Waiting(answer) => answer.closed().await,
            Self::Streaming(pieces) => pieces.closed().await,
            Self::Over => std::future::pending().await,
        }
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body of an answer, whole or in pieces. Dropping it stops the work behind it.
#[derive(Debug)]
pub struct AnswerBody(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Option<Bytes>),
    Pieces {
        receiver: mpsc::Receiver<Part>,
        left: Option<u64>,
        /// It broke off, and what came before that may be on its way.
        broken: bool,
    },
}

/// The answer broke off.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

impl From<Bytes> for AnswerBody {
    fn from(body: Bytes) -> Self {
        Self(Inner::Whole(Some(body)))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.0 {
            Inner::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Inner::Pieces { receiver, left, broken } => match ready!(receiver.poll_recv(context)) {
                Some(Part::Data(piece)) => {
                    *left = left.map(|left| left.saturating_sub(piece.len() as u64));
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                Some(Part::End) => Poll::Ready(None),
                // An error makes hyper drop what it has not written yet; before it waits, it writes.
                None if !std::mem::replace(broken, true) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(BrokenOff))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Whole(body) if body.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Inner::Pieces { left, .. } => left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

/// Pieces that go on together: neighbours in one chunk become one piece again, without a copy.
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
    fn neighbours_are_joined_and_strangers_are_not() {
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
    async fn a_body_that_is_not_ended_breaks_off() {
        let (mut client, answered) = Client::new(CancellationToken::new());
        client.begin(StatusCode::OK, HeaderMap::new(), None);
        client.send(Bytes::from_static(b"a")).await.unwrap();
        client.abort();
        let body = answered.await.unwrap().into_body();
        assert!(http_body_util::BodyExt::collect(body).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_leaves_stops_the_work() {
        let (mut client, answered) = Client::new(CancellationToken::new());
        drop(answered);
        let stopped = client.unless_stopped(std::future::pending::<()>()).await;
        assert!(matches!(stopped, Err(RelayError::ClientGone)));

        let (mut client, answered) = Client::new(CancellationToken::new());
        client.begin(StatusCode::OK, HeaderMap::new(), None);
        drop(answered);
        let stopped = client.unless_stopped(std::future::pending::<()>()).await;
        assert!(matches!(stopped, Err(RelayError::ClientGone)));
        assert!(matches!(client.send(Bytes::from_static(b"a")).await, Err(RelayError::ClientGone)));
    }
}
