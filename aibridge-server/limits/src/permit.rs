//! The permit of a request in flight, and the response body that holds it.

use crate::limit_exceeded::LimitExceeded;
use http_body::{Body, Frame, SizeHint};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

/// Counts the requests in flight. They are counted without a limit, too, because a reload may set one.
#[derive(Debug, Default)]
pub(crate) struct InFlight(AtomicU32);

/// The right of a request to be in flight. It is acquired when the body is read, so that a client which announces a body
/// and sends nothing blocks no other request. Dropping the permit releases it.
#[derive(Debug)]
pub struct RequestPermit {
    in_flight: Arc<InFlight>,
    limit: u32,
    is_acquired: AtomicBool,
}

/// A response body that holds the permit of its request until the connection drops it: at its end, or when the client
/// disconnects. HTTP/1 connections drop it before they write its last bytes, so that a client which has received the whole
/// response finds the permit released.
#[derive(Debug)]
pub struct PermitBody<B> {
    body: B,
    _permit: Option<BodyPermit>,
}

/// A permit that a body holds, alone or together with an upload.
#[derive(Debug)]
enum BodyPermit {
    Owned(#[expect(dead_code, reason = "held to be dropped")] RequestPermit),
    Shared(#[expect(dead_code, reason = "held to be dropped")] Arc<RequestPermit>),
}

impl RequestPermit {
    /// Creates a permit that is not acquired yet.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Overloaded`] if the limit is reached at the moment.
    pub(crate) fn new(in_flight: &Arc<InFlight>, limit: Option<NonZeroU32>) -> Result<Self, LimitExceeded> {
        let limit = limit.map_or(u32::MAX, NonZeroU32::get);
        if in_flight.0.load(Ordering::Relaxed) >= limit {
            return Err(LimitExceeded::Overloaded(limit));
        }
        Ok(Self { in_flight: in_flight.clone(), limit, is_acquired: AtomicBool::new(false) })
    }

    /// Creates a permit that counts for no limit.
    pub(crate) fn exempt() -> Self {
        Self { in_flight: Arc::default(), limit: u32::MAX, is_acquired: AtomicBool::new(false) }
    }

    /// Acquires the permit. Does nothing if it is acquired already.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Overloaded`] if the limit is reached by now.
    pub fn acquire(&self) -> Result<(), LimitExceeded> {
        if self.is_acquired.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The counter guards no other memory, so relaxed ordering is enough.
        let acquired = self.in_flight.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |in_flight| {
            (in_flight < self.limit).then_some(in_flight + 1)
        });
        acquired.map_err(|_| LimitExceeded::Overloaded(self.limit))?;
        if self.is_acquired.swap(true, Ordering::Relaxed) {
            self.in_flight.release(); // another task acquired it in the meantime
        }
        Ok(())
    }

    /// Whether other requests are refused because the limit is reached.
    pub fn is_contended(&self) -> bool {
        self.in_flight.0.load(Ordering::Relaxed) >= self.limit
    }

    /// Acquires the permit even above the limit: the request is in flight already.
    pub fn force_acquire(&self) {
        if !self.is_acquired.swap(true, Ordering::Relaxed) {
            self.in_flight.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl InFlight {
    fn release(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        if *self.is_acquired.get_mut() {
            self.in_flight.release();
        }
    }
}

impl<B> PermitBody<B> {
    /// Creates a body that holds `permit`.
    pub fn new(body: B, permit: RequestPermit) -> Self {
        Self { body, _permit: Some(BodyPermit::Owned(permit)) }
    }

    /// Creates a body that holds `permit` together with an upload.
    pub fn shared(body: B, permit: Arc<RequestPermit>) -> Self {
        Self { body, _permit: Some(BodyPermit::Shared(permit)) }
    }
}

impl<B> From<B> for PermitBody<B> {
    /// Creates a body without a permit.
    fn from(body: B) -> Self {
        Self { body, _permit: None }
    }
}

impl<B: Body + Unpin> Body for PermitBody<B> {
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
