//! A token bucket that may go into debt: what an answer costs is known when it has been given.
//!
//! It holds a minute's worth and is refilled continuously. Counting is exact, in whole numbers: at a limit of `n` a
//! minute, `n` [parts](PARTS) of one come back each nanosecond.

use quanta::Instant;
use std::num::NonZeroU32;
use std::time::Duration;

/// So many parts are one: a minute in nanoseconds.
const PARTS: u128 = 60_000_000_000;

/// A provider that counts nonsense must not shut an actor out for ever: more than a day's worth is forgiven.
const DEBT_AT_MOST: u128 = 24 * 60;

/// What is used of a limit. The number of things that it holds is the limit without what is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    limit: NonZeroU32,
    /// In parts, as it was at `at`.
    used: u128,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(limit: NonZeroU32, now: Instant) -> Self {
        Self { limit, used: 0, at: now }
    }

    /// The same under another limit. Under a higher one, what is used is as much as before; under a lower one the same
    /// share of a minute's worth, so that nobody waits longer for the change.
    #[must_use]
    pub(super) fn under(self, limit: NonZeroU32, now: Instant) -> Self {
        let used = self.parts_used(now);
        let used = if limit < self.limit {
            used * u128::from(limit.get()) / u128::from(self.limit.get())
        } else {
            used
        };
        Self { limit, used, at: now }
    }

    /// What it holds when it is full.
    pub(super) fn limit(&self) -> u32 {
        self.limit.get()
    }

    /// Takes `amount`, whether it holds that much or not.
    pub(super) fn take(&mut self, amount: u64, now: Instant) {
        let used = self.parts_used(now) + u128::from(amount) * PARTS;
        let at_most = DEBT_AT_MOST * parts(self.limit);
        *self = Self { used: used.min(at_most), at: now, ..*self };
    }

    /// Until it holds one; zero if it does.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.refilled_by((self.parts_used(now) + PARTS).saturating_sub(parts(self.limit)))
    }

    /// Until it is full.
    pub(super) fn reset(&self, now: Instant) -> Duration {
        self.refilled_by(self.parts_used(now))
    }

    /// How many are used, rounded up; more than the limit if it is in debt.
    pub(super) fn used(&self, now: Instant) -> u64 {
        u64::try_from(self.parts_used(now).div_ceil(PARTS)).unwrap_or(u64::MAX)
    }

    /// As good as none.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.parts_used(now) == 0
    }

    fn parts_used(&self, now: Instant) -> u128 {
        let elapsed = now.duration_since(self.at);
        self.used.saturating_sub(elapsed.as_nanos() * u128::from(self.limit.get()))
    }

    /// How long `parts` take to come back.
    fn refilled_by(&self, parts: u128) -> Duration {
        let nanoseconds = parts.div_ceil(u128::from(self.limit.get()));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// The parts of a minute's worth.
fn parts(limit: NonZeroU32) -> u128 {
    u128::from(limit.get()) * PARTS
}

#[cfg(test)]
mod tests;
