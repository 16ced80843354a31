//! Warnings about failing dumps, at most one a minute.

use aibridge_intercept::warn_throttle::WarnThrottle;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::fmt::Display;
use std::path::Path;

/// Logs warnings about failing dumps, and counts those that it suppresses: a full disk would cause one for each file.
#[derive(Debug)]
pub(crate) struct FailureLog {
    clock: Clock,
    throttle: Mutex<WarnThrottle<Instant>>,
}

impl FailureLog {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, throttle: Mutex::default() }
    }

    /// Warns that the dump at `path` is truncated or missing because of `error`.
    pub(crate) fn cut_short(&self, path: &Path, error: &dyn Display) {
        if let Some(suppressed) = self.acquire() {
            tracing::warn!(
                path = %path.display(), %error, suppressed,
                "a dump is cut short or missing, requests are not affected; check the disk and the permissions of the folder"
            );
        }
    }

    /// Returns the number of suppressed warnings if a warning may be logged now, otherwise counts one more.
    fn acquire(&self) -> Option<u64> {
        Some(self.throttle.lock().add(1, self.clock.now())? - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn allows_one_warning_per_interval_and_counts_the_others() {
        let (clock, mock) = Clock::mock();
        let throttle = FailureLog::new(clock);
        assert_eq!(throttle.acquire(), Some(0));
        assert_eq!((throttle.acquire(), throttle.acquire()), (None, None));
        mock.increment(Duration::from_secs(60));
        assert_eq!((throttle.acquire(), throttle.acquire()), (Some(2), None));
    }
}
