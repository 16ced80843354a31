//! A token bucket that may go into debt, because the cost of a response is known only after it.
//!
//! It holds a minute's worth and is refilled continuously. Counting is exact, in whole numbers: at a limit of `n` a
//! minute, `n` [parts](PARTS) of one are refilled each nanosecond.

use quanta::Instant;
use std::num::NonZeroU32;
use std::time::Duration;

/// The parts of one request or token: a minute in nanoseconds.
const PARTS: u128 = 60_000_000_000;

/// The most that may be used, in minutes: a day. A provider that reports absurd usage must not block an actor forever.
const MAX_USED_MINUTES: u128 = 24 * 60;

/// The used part of a limit. The bucket holds the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    limit: NonZeroU32,
    /// The parts that were used at `at`.
    used: u128,
    at: Instant,
}

impl Bucket {
    /// Creates a full bucket.
    pub(crate) fn full(limit: NonZeroU32, now: Instant) -> Self {
        Self { limit, used: 0, at: now }
    }

    /// Returns the bucket under another limit. Under a higher limit the used amount stays; under a lower one the used share
    /// stays, so that the wait does not become longer.
    #[must_use]
    pub(crate) fn with_limit(self, limit: NonZeroU32, now: Instant) -> Self {
        let used = self.parts_used(now);
        let used = if limit < self.limit {
            used * u128::from(limit.get()) / u128::from(self.limit.get())
        } else {
            used
        };
        Self { limit, used, at: now }
    }

    /// Returns what a full bucket holds.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.get()
    }

    /// Takes `amount`, even if the bucket holds less.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) {
        let used = self.parts_used(now) + u128::from(amount) * PARTS;
        let max = MAX_USED_MINUTES * parts(self.limit);
        *self = Self { used: used.min(max), at: now, ..*self };
    }

    /// Returns the time until the bucket holds one; zero if it does now.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.refilled_by((self.parts_used(now) + PARTS).saturating_sub(parts(self.limit)))
    }

    /// Returns the time until the bucket is full.
    pub(crate) fn reset(&self, now: Instant) -> Duration {
        self.refilled_by(self.parts_used(now))
    }

    /// Returns how many are used, rounded up: more than the limit if the bucket is in debt.
    pub(crate) fn used(&self, now: Instant) -> u64 {
        u64::try_from(self.parts_used(now).div_ceil(PARTS)).unwrap_or(u64::MAX)
    }

    /// Whether the bucket can be removed, because a missing one counts as full.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.parts_used(now) == 0
    }

    fn parts_used(&self, now: Instant) -> u128 {
        let elapsed = now.duration_since(self.at);
        self.used.saturating_sub(elapsed.as_nanos() * u128::from(self.limit.get()))
    }

    /// Returns the time in which `parts` are refilled.
    fn refilled_by(&self, parts: u128) -> Duration {
        let nanoseconds = parts.div_ceil(u128::from(self.limit.get()));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Returns the parts of a full bucket.
fn parts(limit: NonZeroU32) -> u128 {
    u128::from(limit.get()) * PARTS
}

#[cfg(test)]
mod tests;
