//! Whether a provider may be called at all: the seam for a circuit breaker.

use crate::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Admits calls, and learns how they went.
pub trait Guard: Send + Sync {
    /// Asks for a call to be admitted.
    ///
    /// # Errors
    ///
    /// When calls are not admitted now.
    fn admit(&self) -> Result<Admission, Rejected>;

    /// Whether an answer with this status counts as a failure.
    fn is_failure(&self, status: u16) -> bool;

    /// Tells how an admitted call went.
    fn report(&self, admission: Admission, went: Went);
}

/// An admitted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// One of many.
    Normal,
    /// One of the few by which a guard finds out whether things are well again.
    Trial {
        /// Which time it tries.
        round: u64,
    },
}

/// A call that was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// When asking again makes sense.
    pub retry_after: Duration,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// The provider answered.
    Well,
    /// The provider failed.
    Badly,
    /// It says nothing about the provider: the client left, no key was left, or the client's own key was used.
    Unknown,
}

/// One admitted call. Whatever becomes of it, its guard learns it once.
pub(crate) struct Permit {
    guard: Arc<dyn Guard>,
    admission: Admission,
    counts: bool,
    settled: bool,
}

impl Permit {
    /// Asks `guard`. What a client's own key causes does not count (`counts`).
    pub(crate) fn ask(guard: Arc<dyn Guard>, counts: bool) -> Result<Self, Error> {
        match guard.admit() {
            Ok(admission) => Ok(Self { guard, admission, counts, settled: false }),
            Err(Rejected { retry_after }) => Err(Error::CircuitOpen { retry_after }),
        }
    }

    /// An answer with `status` has begun.
    pub(crate) fn answered(&mut self, status: u16) {
        self.settle(if self.guard.is_failure(status) { Went::Badly } else { Went::Well });
    }

    /// There is no answer, or it broke off.
    pub(crate) fn failed(&mut self, error: &Error) {
        match error {
            Error::UpstreamUnreachable(_) | Error::UpstreamTimeout(_) | Error::UpstreamBroken => {
                self.settle(Went::Badly);
            }
            _ => self.settle(Went::Unknown),
        }
    }

    /// An answer that began well may still break off: then that counts too.
    fn settle(&mut self, went: Went) {
        let went = if self.counts { went } else { Went::Unknown };
        let admission = if self.settled { Admission::Normal } else { self.admission };
        if !self.settled || went == Went::Badly {
            self.guard.report(admission, went);
        }
        self.settled = true;
    }
}

impl Drop for Permit {
    /// A call that nobody waited for gives its place back.
    fn drop(&mut self) {
        if !self.settled {
            self.guard.report(self.admission, Went::Unknown);
        }
    }
}
