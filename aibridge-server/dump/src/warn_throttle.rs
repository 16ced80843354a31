//! Warnings about failing dumps, at most one a minute.

use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// The shortest time between two warnings: a full disk would cause one for each file.
const INTERVAL: Duration = Duration::from_secs(60);

/// Logs warnings about failing dumps, and counts those that it suppresses.
#[derive(Debug)]
pub(crate) struct WarnThrottle {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl WarnThrottle {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
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
        let now = self.clock.now();
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_one_warning_per_interval_and_counts_the_others() {
        let (clock, mock) = Clock::mock();
        let throttle = WarnThrottle::new(clock);
        assert_eq!(throttle.acquire(), Some(0));
        assert_eq!((throttle.acquire(), throttle.acquire()), (None, None));
        mock.increment(INTERVAL);
        assert_eq!((throttle.acquire(), throttle.acquire()), (Some(2), None));
    }
}
