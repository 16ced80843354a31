//! The trait that computes the cost of an interception, and releases its reservation.

use aibridge_observer::ResponseSummary;
use aibridge_recorder::{Interception, UsageCost};
use jiff::Timestamp;

/// Computes the cost of one interception. Dropping it releases the reservation of the request.
pub trait CostMeter: Send + Sync {
    /// The cost of a response; `None` if there is nothing to charge. Called at most once, when the response was read to
    /// its end or to the point where it broke off, and before its records are stored.
    fn measure(
        &mut self,
        interception: &Interception,
        summary: &ResponseSummary,
        progress: ResponseProgress,
        now: Timestamp,
    ) -> Option<UsageCost>;
}

/// The progress of a response when its cost is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseProgress {
    /// Whether the status was a success, so that the provider may charge for the response.
    pub is_success: bool,
    /// `true` if the response reached its end; `false` if it was interrupted.
    pub is_complete: bool,
}

/// A meter that finds no cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopCostMeter;

impl CostMeter for NoopCostMeter {
    fn measure(
        &mut self,
        _: &Interception,
        _: &ResponseSummary,
        _: ResponseProgress,
        _: Timestamp,
    ) -> Option<UsageCost> {
        None
    }
}
