//! Warns of limits that refuse requests, once a minute for each limit.

use aibridge_intercept::ErrorResponse;
use aibridge_intercept::warn_throttle::WarnThrottle;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::BTreeMap;

/// Counts refusals by limit, and logs the counts.
pub(crate) struct RefusalLog {
    clock: Clock,
    limits: Mutex<BTreeMap<&'static str, WarnThrottle<Instant>>>,
}

impl RefusalLog {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, limits: Mutex::default() }
    }

    /// Counts a request that was refused with `error`.
    pub(crate) fn add(&self, error: &ErrorResponse) {
        let Some(limit) = error.limit else { return };
        let due = self.limits.lock().entry(limit).or_default().add(1, self.clock.now());
        if let Some(refused) = due {
            tracing::warn!(
                limit,
                refused,
                last = &*error.message,
                "a limit of the settings refuses requests"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn refusals_are_logged_once_a_minute() {
        let (clock, time) = Clock::mock();
        let mut refused = WarnThrottle::default();
        let logged = [0, 5, 54, 1, 59, 1].map(|seconds| {
            time.increment(Duration::from_secs(seconds));
            refused.add(1, clock.now())
        });
        assert_eq!(logged, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
