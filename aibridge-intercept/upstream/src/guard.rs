//! Admission of calls to a provider: the trait that a circuit breaker implements.

use aibridge_error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Admits or rejects calls, and receives their outcomes.
pub trait Guard: Send + Sync {
    /// Admits a call. Its outcome is reported only if it `counts`.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if calls are not admitted now.
    fn admit(&self, counts: bool) -> Result<Admission, Rejection>;

    /// Whether a response with this status counts as a failure.
    fn is_failure(&self, status: u16) -> bool;

    /// Called exactly once per admitted call, when response headers arrive or the call fails.
    fn release(&self, admission: Admission);

    /// Reports the outcome of an admitted call, if it depends on the provider.
    fn report(&self, admission: Admission, outcome: CallOutcome);
}

/// An admitted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A call in the normal state.
    Normal,
    /// A call that probes whether the provider has recovered.
    Trial {
        /// The number of the half-open period that admitted it.
        round: u64,
    },
}

/// The rejection of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The time until a call may be admitted again.
    pub retry_after: Duration,
}

/// The outcome of a call, as far as it depends on the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The provider's response arrived to its end.
    Success,
    /// The provider failed, or its response broke off.
    Failure,
}

/// The permit of one admitted call. It releases the admission in any case, and reports the outcome if that depends on
/// the provider: not if the client disconnected, no key was left, or the client's own key was used.
pub(crate) struct Permit {
    guard: Arc<dyn Guard>,
    admission: Admission,
    is_waiting: bool,
    reports: bool,
}

impl Permit {
    /// Acquires a permit of `guard`. A call with the client's own key does not count (`counts`).
    pub(crate) fn acquire(guard: Arc<dyn Guard>, counts: bool) -> Result<Self, Error> {
        match guard.admit(counts) {
            Ok(admission) => Ok(Self { guard, admission, is_waiting: true, reports: counts }),
            Err(Rejection { retry_after }) => Err(Error::CircuitOpen { retry_after }),
        }
    }

    /// Called when a response with `status` begins. Only its end shows whether it is a success.
    pub(crate) fn on_response(&mut self, status: u16) {
        if self.guard.is_failure(status) {
            self.report(CallOutcome::Failure);
        }
        self.release();
    }

    /// Called when the provider refused all keys with `status`. That is no outcome, unless the status is a failure.
    pub(crate) fn on_keys_refused(&mut self, status: u16) {
        self.on_response(status);
        self.reports = false;
    }

    /// Called when the response is complete. `is_failure`: it consisted of an error alone.
    pub(crate) fn complete(&mut self, is_failure: bool) {
        self.report(if is_failure { CallOutcome::Failure } else { CallOutcome::Success });
    }

    /// Called when there is no response, or it broke off.
    pub(crate) fn on_error(&mut self, error: &Error) {
        let is_failure = matches!(
            error,
            Error::UpstreamUnreachable(_)
                | Error::UpstreamTls(_)
                | Error::UpstreamTimeout(_)
                | Error::UpstreamDisconnected
                | Error::InvalidResponse
        );
        if is_failure {
            self.report(CallOutcome::Failure);
        }
        self.release();
    }

    fn report(&mut self, outcome: CallOutcome) {
        if std::mem::take(&mut self.reports) {
            self.guard.report(self.admission, outcome);
        }
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.guard.release(self.admission);
        }
    }
}

impl Drop for Permit {
    /// Releases the admission of a call that was dropped.
    fn drop(&mut self) {
        self.release();
    }
}
