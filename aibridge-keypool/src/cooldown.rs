//! One key's state machine: what each answer of the provider does to the key.

use quanta::Instant;
use std::time::Duration;

/// How long a key cools after a 429 that does not say.
const RATE_LIMITED: Duration = Duration::from_secs(60);

/// How long a key cools after the first 401; every further one in a row doubles it.
const REJECTED: Duration = Duration::from_secs(60);

/// Where the doubling ends: a key that was renewed at the provider is tried again within the hour.
const REJECTED_MAX: Duration = Duration::from_secs(60 * 60);

/// No cooldown is longer: beyond any provider's quota window (a month), and far from the end of the clock.
pub(crate) const MAX_COOLDOWN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Whether a key is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Valid,
    /// Not yet.
    Cooling {
        /// Why: that of the longer cooldown, if two are running.
        reason: CoolingReason,
        /// For how much longer; never zero.
        remaining: Duration,
    },
}

/// What the provider answered to a key that cools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoolingReason {
    /// 429.
    RateLimited,
    /// 401.
    Rejected,
}

impl Transitions {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            rate_limited: self.rate_limited + other.rate_limited,
            rejected: self.rejected + other.rejected,
            recovered: self.recovered + other.recovered,
        }
    }
}

/// The two cooldowns of one key. They run side by side, so that neither cuts the other short.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    rate_limited_until: Option<Instant>,
    rejected_until: Option<Instant>,
    /// 401s in a row, not counting those that arrived while the key already cooled for one.
    rejections: u32,
    began: Transitions,
}

/// How often keys changed their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transitions {
    /// Valid keys that began to cool for a 429.
    pub rate_limited: u64,
    /// Valid keys that began to cool for a 401.
    pub rejected: u64,
    /// Cooling keys that were valid again.
    pub recovered: u64,
}

impl Cooldowns {
    pub(crate) fn state(&self, now: Instant) -> KeyState {
        let (rate_limited, rejected) =
            (remaining(self.rate_limited_until, now), remaining(self.rejected_until, now));
        match (rate_limited, rejected) {
            (Duration::ZERO, Duration::ZERO) => KeyState::Valid,
            _ if rate_limited >= rejected => {
                KeyState::Cooling { reason: CoolingReason::RateLimited, remaining: rate_limited }
            }
            _ => KeyState::Cooling { reason: CoolingReason::Rejected, remaining: rejected },
        }
    }

    /// How often the state changed until `now`. Whatever began to cool and does no longer has recovered.
    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        let cooling = u64::from(self.state(now) != KeyState::Valid);
        let recovered = (self.began.rate_limited + self.began.rejected).saturating_sub(cooling);
        Transitions { recovered, ..self.began }
    }

    pub(crate) fn rate_limited(&mut self, now: Instant, cooldown: Option<Duration>) {
        let was_valid = self.state(now) == KeyState::Valid;
        let until = now + cooldown.unwrap_or(RATE_LIMITED).min(MAX_COOLDOWN);
        self.rate_limited_until = self.rate_limited_until.max(Some(until));
        self.began.rate_limited += u64::from(was_valid && until > now);
    }

    pub(crate) fn rejected(&mut self, now: Instant) {
        // Whoever hears of a 401 now began before the key cooled for one: it is the same piece of news.
        if !remaining(self.rejected_until, now).is_zero() {
            return;
        }
        self.began.rejected += u64::from(self.state(now) == KeyState::Valid);
        let doublings = 2_u32.saturating_pow(self.rejections);
        self.rejected_until = Some(now + REJECTED.saturating_mul(doublings).min(REJECTED_MAX));
        self.rejections = self.rejections.saturating_add(1);
    }

    /// Another process heard of it.
    pub(crate) fn heard(&mut self, now: Instant, reason: CoolingReason, remaining: Duration) {
        let began = u64::from(self.state(now) == KeyState::Valid && !remaining.is_zero());
        let until = Some(now + remaining.min(MAX_COOLDOWN));
        match reason {
            CoolingReason::RateLimited => {
                self.rate_limited_until = self.rate_limited_until.max(until);
                self.began.rate_limited += began;
            }
            CoolingReason::Rejected => {
                self.rejected_until = self.rejected_until.max(until);
                self.began.rejected += began;
            }
        }
    }

    pub(crate) fn succeeded(&mut self) {
        self.rejections = 0;
    }
}

fn remaining(until: Option<Instant>, now: Instant) -> Duration {
    until.map_or(Duration::ZERO, |until| until.duration_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::Valid;

    /// One thing that happens to a key.
    enum Event {
        /// Seconds pass.
        Wait(u64),
        RateLimited(Option<u64>),
        Rejected,
        Succeeded,
    }
    use Event::{Rejected, Succeeded, Wait};

    fn limited(seconds: u64) -> Event {
        Event::RateLimited(Some(seconds))
    }

    fn rate_limited(seconds: u64) -> KeyState {
        KeyState::Cooling { reason: CoolingReason::RateLimited, remaining: Duration::from_secs(seconds) }
    }

    fn rejected(seconds: u64) -> KeyState {
        KeyState::Cooling { reason: CoolingReason::Rejected, remaining: Duration::from_secs(seconds) }
    }

    fn after(events: &[Event]) -> KeyState {
        let (clock, time) = quanta::Clock::mock();
        let mut cooldowns = Cooldowns::default();
        for event in events {
            match event {
                Wait(seconds) => time.increment(Duration::from_secs(*seconds)),
                Event::RateLimited(seconds) => {
                    cooldowns.rate_limited(clock.now(), seconds.map(Duration::from_secs));
                }
                Rejected => cooldowns.rejected(clock.now()),
                Succeeded => cooldowns.succeeded(),
            }
        }
        cooldowns.state(clock.now())
    }

    #[test]
    fn answers_cool_the_key() {
        let table: &[(&str, &[Event], KeyState)] = &[
            ("untouched", &[], Valid),
            ("429 with a time", &[limited(20)], rate_limited(20)),
            ("429 without one", &[Event::RateLimited(None)], rate_limited(60)),
            ("429, half way", &[limited(20), Wait(10)], rate_limited(10)),
            ("429, over", &[limited(20), Wait(20)], Valid),
            ("429 that asks for no wait", &[limited(0)], Valid),
            ("429 without end", &[limited(u64::MAX)], rate_limited(MAX_COOLDOWN.as_secs())),
            ("a shorter 429 after a longer", &[limited(90), limited(20)], rate_limited(90)),
            ("a longer 429 after a shorter", &[limited(20), limited(90)], rate_limited(90)),
            ("401", &[Rejected], rejected(60)),
            ("401 after a success", &[Succeeded, Rejected], rejected(60)),
            ("a success leaves a 401's cooldown alone", &[Rejected, Wait(10), Succeeded], rejected(50)),
            ("a success leaves a 429's cooldown alone", &[limited(20), Succeeded], rate_limited(20)),
            ("a shorter 429 on a rejected key", &[Rejected, limited(20)], rejected(60)),
            ("a longer 429 on a rejected key", &[Rejected, limited(90)], rate_limited(90)),
            ("a longer 401 on a limited key", &[limited(20), Rejected], rejected(60)),
            ("a shorter 401 on a limited key", &[limited(90), Rejected], rate_limited(90)),
            ("equally long", &[Rejected, limited(60)], rate_limited(60)),
        ];
        for (what, events, expected) in table {
            assert_eq!(after(events), *expected, "{what}");
        }
    }

    #[test]
    fn what_began_to_cool_and_does_no_longer_has_recovered() {
        let (clock, time) = quanta::Clock::mock();
        let mut cooldowns = Cooldowns::default();
        let check = |cooldowns: &Cooldowns, rate_limited, rejected, recovered| {
            let expected = Transitions { rate_limited, rejected, recovered };
            assert_eq!(cooldowns.transitions(clock.now()), expected);
        };
        cooldowns.rate_limited(clock.now(), Some(Duration::ZERO));
        check(&cooldowns, 0, 0, 0);
        cooldowns.rate_limited(clock.now(), Some(Duration::from_secs(20)));
        cooldowns.rejected(clock.now()); // cools already
        check(&cooldowns, 1, 0, 0);
        time.increment(Duration::from_secs(60));
        check(&cooldowns, 1, 0, 1);
        cooldowns.rejected(clock.now());
        cooldowns.rejected(clock.now());
        check(&cooldowns, 1, 1, 1);
        time.increment(Duration::from_secs(120));
        check(&cooldowns, 1, 1, 2);
    }

    #[test]
    fn rejections_in_a_row_double() {
        let (clock, time) = quanta::Clock::mock();
        let mut cooldowns = Cooldowns::default();
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            cooldowns.rejected(clock.now());
            assert_eq!(cooldowns.state(clock.now()), rejected(seconds));
            cooldowns.rejected(clock.now()); // another request's, on its way since before
            assert_eq!(cooldowns.state(clock.now()), rejected(seconds));
            time.increment(Duration::from_secs(seconds));
        }
        cooldowns.succeeded();
        cooldowns.rejected(clock.now());
        assert_eq!(cooldowns.state(clock.now()), rejected(60));
    }

    #[test]
    fn concurrent_rejections_hidden_behind_a_rate_limit_do_not_double() {
        assert_eq!(after(&[Rejected, limited(70), Rejected, Rejected, Wait(70), Rejected]), rejected(120));
    }

    #[test]
    fn the_doubling_never_overflows() {
        let cooldowns = &mut Cooldowns { rejections: u32::MAX, ..Cooldowns::default() };
        let (clock, _) = quanta::Clock::mock();
        cooldowns.rejected(clock.now());
        assert_eq!(cooldowns.state(clock.now()), rejected(3600));
    }
}
