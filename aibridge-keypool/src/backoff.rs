//! A cooldown that doubles while its cause repeats.

use quanta::Instant;
use std::time::Duration;

/// The first cooldown.
const FIRST: Duration = Duration::from_secs(60);

/// The longest cooldown: a key that was renewed or topped up at the provider is tried again within the hour.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// 60 s, doubling with every repetition up to 1 h.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    until: Option<Instant>,
    /// Failures in a row, not counting those that were reported while a cooldown was running.
    failures: u32,
}

impl Backoff {
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        remaining(self.until, now)
    }

    /// Begins a cooldown. A running one is left alone: a failure that is reported meanwhile belongs to a request that
    /// began before.
    pub(crate) fn fail(&mut self, now: Instant) {
        if !self.remaining(now).is_zero() {
            return;
        }
        let doublings = 2_u32.saturating_pow(self.failures);
        self.until = Some(now + FIRST.saturating_mul(doublings).min(LONGEST));
        self.failures = self.failures.saturating_add(1);
    }

    /// Keeps the later end: another process reported this one.
    pub(crate) fn extend(&mut self, until: Instant) {
        self.until = self.until.max(Some(until));
    }

    /// The next failure is a first one again. A running cooldown is left alone.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

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
            backoff.fail(clock.now()); // of a request that began before
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
