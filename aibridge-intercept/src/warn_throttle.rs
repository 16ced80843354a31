//! Warnings at most once a minute, with the number of events since the last one.

use std::ops::Sub;
use std::time::Duration;

/// The shortest time between two warnings.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Counts events of one kind, and decides when a warning reports them.
///
/// `I` is an instant of the caller's clock.
///
/// ```
/// use aibridge_intercept::warn_throttle::WarnThrottle;
/// use std::time::{Duration, Instant};
///
/// let (mut throttle, start) = (WarnThrottle::default(), Instant::now());
/// assert_eq!(throttle.add(1, start), Some(1));
/// assert_eq!(throttle.add(2, start + Duration::from_secs(59)), None);
/// assert_eq!(throttle.add(1, start + Duration::from_secs(60)), Some(3));
/// ```
#[derive(Debug)]
pub struct WarnThrottle<I> {
    events: u64,
    warned_at: Option<I>,
}

impl<I: Copy + Sub<Output = Duration>> WarnThrottle<I> {
    /// Counts `events` that happened at `now`. Returns the number of events since the last warning if a warning is due.
    pub fn add(&mut self, events: u64, now: I) -> Option<u64> {
        self.events += events;
        if self.warned_at.is_some_and(|warned_at| now - warned_at < WARN_INTERVAL) {
            return None;
        }
        self.warned_at = Some(now);
        Some(std::mem::take(&mut self.events))
    }
}

impl<I> Default for WarnThrottle<I> {
    fn default() -> Self {
        Self { events: 0, warned_at: None }
    }
}
