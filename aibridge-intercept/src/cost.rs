//! The seam for money: what an interception costs, and what was reserved for it.

use aibridge_observer::ResponseSummary;
use aibridge_recorder::{Interception, UsageCost};
use jiff::Timestamp;

/// Finds the cost of one interception. Dropping it releases what was reserved for it, whatever became of the request.
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

/// How far a response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseProgress {
    /// Whether the provider answered with a success, so that it may charge for the response.
    pub is_success: bool,
    /// Whether the response came to its end, rather than being interrupted.
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
