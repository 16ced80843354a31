//! Warns of limits that refuse requests, once a minute for each limit.

use aibridge_intercept::Error;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest time between two warnings about one limit.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Counts refusals by limit, and logs the counts.
pub(crate) struct RefusalLog {
    clock: Clock,
    limits: Mutex<BTreeMap<&'static str, RefusalCount>>,
}

/// The requests that one limit refused since the last warning.
#[derive(Debug, Default)]
struct RefusalCount {
    requests: u64,
    warned_at: Option<Instant>,
}

impl RefusalLog {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, limits: Mutex::default() }
    }

    /// Counts a request that was refused with `error`.
    pub(crate) fn add(&self, error: &Error) {
        let Some(limit) = error.limit() else { return };
        let due = self.limits.lock().entry(limit).or_default().add(self.clock.now());
        if let Some(refused) = due {
            tracing::warn!(limit, refused, last = %error, "a limit of the settings refuses requests");
        }
    }
}

impl RefusalCount {
    /// Counts one more. Returns the count if a warning is due.
    fn add(&mut self, now: Instant) -> Option<u64> {
        self.requests += 1;
        if self.warned_at.is_some_and(|warned_at| now.duration_since(warned_at) < WARN_INTERVAL) {
            return None;
        }
        self.warned_at = Some(now);
        Some(std::mem::take(&mut self.requests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_logged_once_a_minute() {
        let (clock, time) = Clock::mock();
        let mut refused = RefusalCount::default();
        let logged = [0, 5, 54, 1, 59, 1].map(|seconds| {
            time.increment(Duration::from_secs(seconds));
            refused.add(clock.now())
        });
        assert_eq!(logged, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
