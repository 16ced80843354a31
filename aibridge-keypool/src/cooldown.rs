//! The cooldowns of a key for all models. The cooldowns of single models are in `models.rs`.

use crate::backoff::{Backoff, remaining};
use crate::{CoolingReason, KeyState, Transitions};
use quanta::Instant;
use std::time::Duration;

/// The cooldown after a 429 that names no time.
pub(crate) const RATE_LIMITED: Duration = Duration::from_secs(60);

/// The maximum cooldown. It exceeds the quota windows of all providers (a month) and cannot overflow the clock.
pub(crate) const MAX_COOLDOWN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The cooldowns of one key for all models. They run independently, so that none shortens another.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    rate_limited_until: Option<Instant>,
    quota: Backoff,
    rejected: Backoff,
    started: Transitions,
}

impl Cooldowns {
    pub(crate) fn state(&self, now: Instant) -> KeyState {
        // `max_by_key` returns the last of equal maxima.
        let all = [
            (CoolingReason::Rejected, self.rejected.remaining(now)),
            (CoolingReason::Quota, self.quota.remaining(now)),
            (CoolingReason::RateLimited, remaining(self.rate_limited_until, now)),
        ];
        match all.into_iter().max_by_key(|(_, remaining)| *remaining) {
            Some((reason, remaining)) if !remaining.is_zero() => KeyState::Cooling { reason, remaining },
            _ => KeyState::Valid,
        }
    }

    /// The counts of cooldowns that started and ended until `now`.
    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        self.started.with_running(u64::from(self.state(now) != KeyState::Valid))
    }

    pub(crate) fn rate_limited(&mut self, now: Instant, until: Instant) {
        self.change(now, CoolingReason::RateLimited, |cooldowns| {
            cooldowns.rate_limited_until = cooldowns.rate_limited_until.max(Some(until));
        });
    }

    pub(crate) fn out_of_quota(&mut self, now: Instant) {
        self.change(now, CoolingReason::Quota, |cooldowns| cooldowns.quota.fail(now));
    }

    pub(crate) fn rejected(&mut self, now: Instant) {
        self.change(now, CoolingReason::Rejected, |cooldowns| cooldowns.rejected.fail(now));
    }

    /// Applies a cooldown with the end `until` that another process reported.
    pub(crate) fn extend(&mut self, now: Instant, reason: CoolingReason, until: Instant) {
        self.change(now, reason, |cooldowns| match reason {
            CoolingReason::RateLimited => {
                cooldowns.rate_limited_until = cooldowns.rate_limited_until.max(Some(until));
            }
            CoolingReason::Quota => cooldowns.quota.extend(until),
            CoolingReason::Rejected => cooldowns.rejected.extend(until),
        });
    }

    /// Resets the doubling: the provider accepted the key. Running cooldowns stay.
    pub(crate) fn succeeded(&mut self) {
        self.quota.reset();
        self.rejected.reset();
    }

    /// Ends the running cooldowns and resets the doubling.
    pub(crate) fn revive(&mut self) {
        *self = Self { started: self.started, ..Self::default() };
    }

    fn change(&mut self, now: Instant, reason: CoolingReason, change: impl FnOnce(&mut Self)) {
        let was_valid = self.state(now) == KeyState::Valid;
        change(self);
        if was_valid && self.state(now) != KeyState::Valid {
            self.started.add_start(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::Valid;

    /// An event in the life of a key.
    enum Event {
        /// The given number of seconds passes.
        Wait(u64),
        Limited(u64),
        OutOfQuota,
        Rejected,
        Succeeded,
    }
    use Event::{Limited, OutOfQuota, Rejected, Succeeded, Wait};

    fn cooling(reason: CoolingReason, seconds: u64) -> KeyState {
        KeyState::Cooling { reason, remaining: Duration::from_secs(seconds) }
    }

    fn after(events: &[Event]) -> KeyState {
        let (clock, time) = quanta::Clock::mock();
        let mut cooldowns = Cooldowns::default();
        for event in events {
            let now = clock.now();
            match event {
                Wait(seconds) => time.increment(Duration::from_secs(*seconds)),
                Limited(seconds) => cooldowns.rate_limited(now, now + Duration::from_secs(*seconds)),
                OutOfQuota => cooldowns.out_of_quota(now),
                Rejected => cooldowns.rejected(now),
                Succeeded => cooldowns.succeeded(),
            }
        }
        cooldowns.state(clock.now())
    }

    #[test]
    fn responses_cool_the_key() {
        use CoolingReason as R;
        let table: &[(&str, &[Event], KeyState)] = &[
            ("untouched", &[], Valid),
            ("rate limit", &[Limited(20)], cooling(R::RateLimited, 20)),
            ("rate limit, half way", &[Limited(20), Wait(10)], cooling(R::RateLimited, 10)),
            ("rate limit, over", &[Limited(20), Wait(20)], Valid),
            ("rate limit without a wait", &[Limited(0)], Valid),
            ("a shorter limit after a longer", &[Limited(90), Limited(20)], cooling(R::RateLimited, 90)),
            ("a longer limit after a shorter", &[Limited(20), Limited(90)], cooling(R::RateLimited, 90)),
            ("rejected", &[Rejected], cooling(R::Rejected, 60)),
            ("rejected after a success", &[Succeeded, Rejected], cooling(R::Rejected, 60)),
            (
                "a success does not end a rejection",
                &[Rejected, Wait(10), Succeeded],
                cooling(R::Rejected, 50),
            ),
            ("a success does not end a rate limit", &[Limited(20), Succeeded], cooling(R::RateLimited, 20)),
            ("no credit", &[OutOfQuota], cooling(R::Quota, 60)),
            ("no credit again", &[OutOfQuota, Wait(60), OutOfQuota], cooling(R::Quota, 120)),
            ("topped up", &[OutOfQuota, Wait(60), Succeeded, OutOfQuota], cooling(R::Quota, 60)),
            ("no credit and rejected", &[OutOfQuota, Wait(60), Rejected], cooling(R::Rejected, 60)),
            ("a shorter limit on a rejected key", &[Rejected, Limited(20)], cooling(R::Rejected, 60)),
            ("a longer limit on a rejected key", &[Rejected, Limited(90)], cooling(R::RateLimited, 90)),
            ("a longer rejection on a limited key", &[Limited(20), Rejected], cooling(R::Rejected, 60)),
            ("a shorter rejection on a limited key", &[Limited(90), Rejected], cooling(R::RateLimited, 90)),
            ("all equally long", &[Limited(60), Rejected, OutOfQuota], cooling(R::RateLimited, 60)),
            ("credit before rejection", &[OutOfQuota, Rejected], cooling(R::Quota, 60)),
            (
                "rejections during a longer rate limit do not double",
                &[Rejected, Limited(70), Rejected, Rejected, Wait(70), Rejected],
                cooling(R::Rejected, 120),
            ),
        ];
        for (case, events, expected) in table {
            assert_eq!(after(events), *expected, "{case}");
        }
    }

    #[test]
    fn an_ended_cooldown_counts_as_recovered() {
        let (clock, time) = quanta::Clock::mock();
        let mut cooldowns = Cooldowns::default();
        let check = |cooldowns: &Cooldowns, rate_limited, quota, rejected, recovered| {
            let expected = Transitions { rate_limited, quota, rejected, recovered };
            assert_eq!(cooldowns.transitions(clock.now()), expected);
        };
        cooldowns.rate_limited(clock.now(), clock.now());
        check(&cooldowns, 0, 0, 0, 0);
        cooldowns.rate_limited(clock.now(), clock.now() + Duration::from_secs(20));
        cooldowns.rejected(clock.now()); // the key is cooling already
        check(&cooldowns, 1, 0, 0, 0);
        time.increment(Duration::from_secs(60));
        check(&cooldowns, 1, 0, 0, 1);
        cooldowns.rejected(clock.now());
        cooldowns.rejected(clock.now());
        check(&cooldowns, 1, 0, 1, 1);
        time.increment(Duration::from_secs(120));
        cooldowns.out_of_quota(clock.now());
        check(&cooldowns, 1, 1, 1, 2);
    }
}
