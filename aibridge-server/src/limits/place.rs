use aibridge_intercept::Error;
use http_body::{Body, Frame, SizeHint};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

/// How many requests are under way. It is counted without a limit, too, in case a reload brings one.
#[derive(Debug, Default)]
pub(super) struct Concurrency(AtomicU32);

/// The place of a request that is under way: dropping it makes room for the next.
#[derive(Debug)]
pub struct Place(Arc<Concurrency>);

/// A body that keeps its request's place until it is over, or its client is gone: then the connection drops it. HTTP/1
/// connections drop it before they write its last bytes, so who has an answer whole finds its place free.
#[derive(Debug)]
pub struct Placed<B> {
    body: B,
    _place: Option<Place>,
}

impl Concurrency {
    pub(super) fn enter(self: &Arc<Self>, limit: Option<NonZeroU32>) -> Result<Place, Error> {
        let at_most = limit.map_or(u32::MAX, NonZeroU32::get);
        // What is counted guards no memory, so no order is needed beside the counter's own.
        let entered = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |under_way| {
            (under_way < at_most).then_some(under_way + 1)
        });
        entered.map(|_| Place(self.clone())).map_err(Error::Overloaded)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<B> Placed<B> {
    /// Keeps `place` as long as `body` lasts.
    pub fn new(body: B, place: Place) -> Self {
        Self { body, _place: Some(place) }
    }
}

impl<B> From<B> for Placed<B> {
    /// The answer to a request that has no place.
    fn from(body: B) -> Self {
        Self { body, _place: None }
    }
}

impl<B: Body + Unpin> Body for Placed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
