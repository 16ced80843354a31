//! A cooldown that doubles while its cause repeats.

use quanta::Instant;
use std::time::Duration;

/// The duration of the first cooldown.
const FIRST_BACKOFF: Duration = Duration::from_secs(60);

/// The maximum cooldown: a key that was renewed or topped up at the provider is used again within the hour.
const MAX_BACKOFF: Duration = Duration::from_secs(60 * 60);

/// A cooldown of 60 s that doubles with every repetition, up to 1 h.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    until: Option<Instant>,
    /// The number of consecutive failures, without those reported during a cooldown.
    failures: u32,
}

impl Backoff {
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        remaining(self.until, now)
    }

    /// Starts a cooldown, unless one is running: a failure during a cooldown belongs to a request that started before
    /// it.
    pub(crate) fn fail(&mut self, now: Instant) {
        if !self.remaining(now).is_zero() {
            return;
        }
        let doublings = 2_u32.saturating_pow(self.failures);
        self.until = Some(now + FIRST_BACKOFF.saturating_mul(doublings).min(MAX_BACKOFF));
        self.failures = self.failures.saturating_add(1);
    }

    /// Extends the cooldown to `until`, which another process reported, if that is later.
    pub(crate) fn extend(&mut self, until: Instant) {
        self.until = self.until.max(Some(until));
    }

    /// Resets the doubling. A running cooldown stays.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The time until `until`; zero if it has passed.
pub(crate) fn remaining(until: Option<Instant>, now: Instant) -> Duration {
    until.map_or(Duration::ZERO, |until| until.duration_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_in_a_row_double_the_cooldown_up_to_an_hour() {
        let (clock, time) = quanta::Clock::mock();
        let mut backoff = Backoff::default();
        for expected in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            backoff.fail(clock.now());
            assert_eq!(backoff.remaining(clock.now()), seconds(expected));
            backoff.fail(clock.now()); // of a request that started before the cooldown
            assert_eq!(backoff.remaining(clock.now()), seconds(expected));
            time.increment(seconds(expected));
        }
        backoff.reset();
        backoff.fail(clock.now());
        assert_eq!(backoff.remaining(clock.now()), seconds(60));
    }

    #[test]
    fn the_doubling_does_not_overflow() {
        let mut backoff = Backoff { failures: u32::MAX, until: None };
        let (clock, _) = quanta::Clock::mock();
        backoff.fail(clock.now());
        assert_eq!(backoff.remaining(clock.now()), seconds(3600));
    }
}
