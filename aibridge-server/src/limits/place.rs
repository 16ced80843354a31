use aibridge_intercept::Error;
use http_body::{Body, Frame, SizeHint};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

/// How many requests are under way. It is counted without a limit, too, in case a reload brings one.
#[derive(Debug, Default)]
pub(super) struct Concurrency(AtomicU32);

/// The place of a request, taken when its body is there: a client that announces one and sends nothing keeps nobody
/// out. Dropping it makes room for the next.
#[derive(Debug)]
pub struct Place {
    concurrency: Arc<Concurrency>,
    at_most: u32,
    is_taken: AtomicBool,
}

/// A body that keeps its request's place until it is over, or its client is gone: then the connection drops it. HTTP/1
/// connections drop it before they write its last bytes, so who has an answer whole finds its place free.
#[derive(Debug)]
pub struct Placed<B> {
    body: B,
    _place: Option<Kept>,
}

/// A place, and whether something else looks at it.
#[derive(Debug)]
enum Kept {
    Alone(#[expect(dead_code, reason = "kept to be dropped")] Place),
    Shared(#[expect(dead_code, reason = "kept to be dropped")] Arc<Place>),
}

impl Place {
    /// A place that is not taken yet.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`] if there is none at the moment.
    pub(super) fn find(concurrency: &Arc<Concurrency>, limit: Option<NonZeroU32>) -> Result<Self, Error> {
        let at_most = limit.map_or(u32::MAX, NonZeroU32::get);
        if concurrency.0.load(Ordering::Relaxed) >= at_most {
            return Err(Error::Overloaded(at_most));
        }
        Ok(Self { concurrency: concurrency.clone(), at_most, is_taken: AtomicBool::new(false) })
    }

    /// Takes it, once.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`] if others have taken all by now.
    pub fn take(&self) -> Result<(), Error> {
        if self.is_taken.load(Ordering::Relaxed) {
            return Ok(());
        }
        // What is counted guards no memory, so no order is needed beside the counter's own.
        let entered = self.concurrency.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |under_way| {
            (under_way < self.at_most).then_some(under_way + 1)
        });
        entered.map_err(|_| Error::Overloaded(self.at_most))?;
        if self.is_taken.swap(true, Ordering::Relaxed) {
            self.concurrency.leave(); // somebody else took it meanwhile
        }
        Ok(())
    }

    /// Whether others are refused because all places are taken.
    pub fn is_contended(&self) -> bool {
        self.concurrency.0.load(Ordering::Relaxed) >= self.at_most
    }

    /// Takes it even if there is none: the request is under way already.
    pub fn take_anyway(&self) {
        if !self.is_taken.swap(true, Ordering::Relaxed) {
            self.concurrency.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Concurrency {
    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if *self.is_taken.get_mut() {
            self.concurrency.leave();
        }
    }
}

impl<B> Placed<B> {
    /// Keeps `place` as long as `body` lasts.
    pub fn new(body: B, place: Place) -> Self {
        Self { body, _place: Some(Kept::Alone(place)) }
    }

    /// The same, while something else looks at the place.
    pub fn shared(body: B, place: Arc<Place>) -> Self {
        Self { body, _place: Some(Kept::Shared(place)) }
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
