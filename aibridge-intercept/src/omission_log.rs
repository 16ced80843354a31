//! Warnings about tool calls that are not recorded, at most one a minute.

use crate::warn_throttle::WarnThrottle;
use aibridge_observer::budget::MAX_TOOL_CALLS;
use aibridge_recorder::Interception;
use parking_lot::Mutex;
use quanta::{Clock, Instant};

/// Logs warnings about responses with more tool calls than are recorded, and counts those that it suppresses.
pub struct OmissionLog {
    clock: Clock,
    throttle: Mutex<WarnThrottle<Instant>>,
}

impl OmissionLog {
    /// A log that measures the time with `clock`.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, throttle: Mutex::default() }
    }

    /// Warns that the response of `interception` has tool calls that are not recorded.
    pub(crate) fn warn(&self, interception: &Interception) {
        let due = self.throttle.lock().add(1, self.clock.now());
        if let Some(responses) = due {
            tracing::warn!(
                id = %interception.id,
                provider = interception.provider_name,
                recorded = MAX_TOOL_CALLS,
                responses,
                "a response has more tool calls than are recorded, and the last recorded one is marked as truncated; check the provider"
            );
        }
    }
}
