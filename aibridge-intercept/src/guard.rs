//! Whether a provider may be called at all: the seam for a circuit breaker.

use crate::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Admits calls, and learns how they went.
pub trait Guard: Send + Sync {
    /// Asks for a call to be admitted. How it goes is reported only if it `counts`.
    ///
    /// # Errors
    ///
    /// When calls are not admitted now.
    fn admit(&self, counts: bool) -> Result<Admission, Rejected>;

    /// Whether an answer with this status counts as a failure.
    fn is_failure(&self, status: u16) -> bool;

    /// An admitted call waits no more for an answer to begin: whatever became of it, it tells this once.
    fn release(&self, admission: Admission);

    /// Tells how an admitted call went, if that says anything about the provider.
    fn report(&self, admission: Admission, went: CallOutcome);
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
pub enum CallOutcome {
    /// The provider answered, to the end.
    Success,
    /// The provider failed, or its answer broke off.
    Failure,
}

/// One admitted call. Whatever becomes of it, its guard learns when it waits no more; how it went only if that says
/// something: not if the client left, no key was left, or the client's own key was used.
pub(crate) struct Permit {
    guard: Arc<dyn Guard>,
    admission: Admission,
    is_waiting: bool,
    reports: bool,
}

impl Permit {
    /// Asks `guard`. What a client's own key causes does not count (`counts`).
    pub(crate) fn ask(guard: Arc<dyn Guard>, counts: bool) -> Result<Self, Error> {
        match guard.admit(counts) {
            Ok(admission) => Ok(Self { guard, admission, is_waiting: true, reports: counts }),
            Err(Rejected { retry_after }) => Err(Error::CircuitOpen { retry_after }),
        }
    }

    /// An answer with `status` has begun. That it is a success is known at its end only.
    pub(crate) fn answered(&mut self, status: u16) {
        if self.guard.is_failure(status) {
            self.report(CallOutcome::Failure);
        }
        self.release();
    }

    /// The provider refused all keys with `status`: that says nothing about how well it is, unless it is a failure.
    pub(crate) fn refused(&mut self, status: u16) {
        self.answered(status);
        self.reports = false;
    }

    /// All of the answer has come. It `is_failure` if it consisted of nothing but an error.
    pub(crate) fn complete(&mut self, is_failure: bool) {
        self.report(if is_failure { CallOutcome::Failure } else { CallOutcome::Success });
    }

    /// There is no answer, or it broke off.
    pub(crate) fn failed(&mut self, error: &Error) {
        use Error::{AnswerInvalid, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable};
        if let UpstreamUnreachable(_) | UpstreamTimeout(_) | UpstreamBroken | AnswerInvalid = error {
            self.report(CallOutcome::Failure);
        }
        self.release();
    }

    fn report(&mut self, went: CallOutcome) {
        if std::mem::take(&mut self.reports) {
            self.guard.report(self.admission, went);
        }
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.guard.release(self.admission);
        }
    }
}

impl Drop for Permit {
    /// A call that nobody waited for gives its place back.
    fn drop(&mut self) {
        self.release();
    }
}
