//! Compares the pool with a naive model of it, over random requests, responses and passing time.

use aibridge_keypool::{
    CoolingReason, Exhaustion, Key, KeyPool, KeyPoolError, KeyState, KeyStatus, ModelCooldown, Walker,
};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use std::time::Duration;

const KEYS: usize = 3;

/// The models of walks: none, or one of two.
const MODELS: [Option<&str>; 3] = [None, Some("m"), Some("n")];

/// An event. Walks are numbered in the order of their start, modulo their number.
#[derive(Debug, Clone)]
enum Event {
    /// A walk starts, for the model at this index.
    Start {
        model: usize,
    },
    Next {
        walk: usize,
    },
    /// A report about the walk's last key; ignored if the walk has no key yet.
    Report {
        walk: usize,
        report: Report,
    },
    Wait(Duration),
}

#[derive(Debug, Clone, PartialEq)]
enum Report {
    RateLimited(Option<Duration>),
    OutOfQuota,
    TooLarge,
    Rejected,
    Unauthorized,
    Succeeded,
}

/// A cooldown: its end, its reason, and its model; `None` for all models.
type Cooldown = (Duration, CoolingReason, Option<&'static str>);

/// The probe of a model, or of the whole key.
#[derive(Default)]
struct Probe {
    /// Whether there was a cooldown since the last success.
    unproven: bool,
    /// The time at which a walk last took the probe.
    taken: Option<Duration>,
}

impl Probe {
    fn is_taken(&self, now: Duration) -> bool {
        self.unproven && self.taken.is_some_and(|start| now < start + Duration::from_secs(10))
    }
}

/// The history of one key. The state is computed from the whole history each time.
#[derive(Default)]
struct ModelKey {
    cooldowns: Vec<Cooldown>,
    rejections_in_a_row: usize,
    empty_accounts_in_a_row: usize,
    /// In the order of [`MODELS`].
    probes: [Probe; 3],
}

impl ModelKey {
    /// The cooldowns that are running for a model.
    fn running(&self, model: Option<&str>, now: Duration) -> impl Iterator<Item = &Cooldown> {
        self.cooldowns.iter().filter(move |(until, _, of)| *until > now && (of.is_none() || *of == model))
    }

    fn state(&self, model: Option<&str>, now: Duration) -> KeyState {
        let rank = |reason| match reason {
            CoolingReason::Rejected => 0,
            CoolingReason::Quota => 1,
            CoolingReason::RateLimited => 2,
        };
        let longest = self.running(model, now).max_by_key(|(until, reason, _)| (*until, rank(*reason)));
        longest.map_or(KeyState::Valid, |(until, reason, _)| KeyState::Cooling {
            reason: *reason,
            remaining: *until - now,
        })
    }

    /// Whether the walk may use the key in its turn: one walk probes a key for 10 s.
    fn admit(&mut self, model: usize, now: Duration) -> bool {
        if self.probes[0].is_taken(now) || self.probes[model].is_taken(now) {
            return false;
        }
        for index in [0, model] {
            if self.probes[index].unproven {
                self.probes[index].taken = Some(now);
            }
        }
        true
    }

    fn back_off(&mut self, now: Duration, reason: CoolingReason) {
        self.probes[0] = Probe { unproven: true, taken: None };
        if self.running(None, now).any(|(_, other, _)| *other == reason) {
            return;
        }
        let in_a_row = match reason {
            CoolingReason::Rejected => &mut self.rejections_in_a_row,
            _ => &mut self.empty_accounts_in_a_row,
        };
        *in_a_row += 1;
        let minutes = [1, 2, 4, 8, 16, 32, 60][(*in_a_row - 1).min(6)];
        self.cooldowns.push((now + Duration::from_secs(60 * minutes), reason, None));
    }

    fn report(&mut self, model: usize, now: Duration, report: &Report) {
        match report {
            Report::Succeeded => {
                (self.rejections_in_a_row, self.empty_accounts_in_a_row) = (0, 0);
                for index in [0, model] {
                    let is_cooling = self.running(MODELS[index], now).any(|(.., of)| *of == MODELS[index]);
                    self.probes[index].unproven &= is_cooling;
                }
            }
            Report::RateLimited(cooldown) => {
                let cooldown = cooldown.unwrap_or(Duration::from_secs(60));
                self.cooldowns.push((now + cooldown, CoolingReason::RateLimited, MODELS[model]));
                self.probes[model] = Probe { unproven: true, taken: None };
            }
            Report::OutOfQuota => self.back_off(now, CoolingReason::Quota),
            Report::Rejected => self.back_off(now, CoolingReason::Rejected),
            Report::TooLarge | Report::Unauthorized => {}
        }
    }
}

/// A walk of the model, with the real one.
struct Walk {
    real: Walker,
    /// An index of [`MODELS`].
    model: usize,
    last: Option<(usize, Key)>,
    /// The number of keys that the walk has visited.
    visited: usize,
    /// Keys that another walk was probing.
    deferred: Vec<usize>,
    /// Keys that received a 401 that did not name them.
    suspects: Vec<usize>,
    is_rate_limited: bool,
}

impl Walk {
    fn start(pool: &KeyPool, model: usize) -> Self {
        let real = MODELS[model].map_or_else(|| pool.walk(), |model| pool.walk_for(model));
        Self {
            real,
            model,
            last: None,
            visited: 0,
            deferred: Vec::new(),
            suspects: Vec::new(),
            is_rate_limited: false,
        }
    }

    fn report(&mut self, keys: &mut [ModelKey], now: Duration, report: &Report) {
        let Some((index, key)) = &self.last else { return };
        keys[*index].report(self.model, now, report);
        match report {
            Report::RateLimited(cooldown) => key.rate_limited(*cooldown),
            Report::OutOfQuota => key.out_of_quota(),
            Report::TooLarge => key.request_too_large(),
            Report::Rejected => key.rejected(),
            Report::Unauthorized => {
                self.suspects.push(*index);
                key.unauthorized();
            }
            Report::Succeeded => {
                for suspect in self.suspects.drain(..) {
                    keys[suspect].back_off(now, CoolingReason::Rejected);
                }
                key.succeeded();
            }
        }
        self.is_rate_limited |= matches!(report, Report::RateLimited(_) | Report::OutOfQuota);
    }
}

fn expected_exhaustion(keys: &[ModelKey], walk: &Walk, now: Duration) -> Exhaustion {
    let cooling = keys.iter().filter_map(|key| match key.state(MODELS[walk.model], now) {
        KeyState::Cooling { reason, remaining } => Some((reason, remaining)),
        KeyState::Valid => None,
    });
    let cooling: Vec<_> = cooling.collect();
    if walk.is_rate_limited || cooling.iter().any(|(reason, _)| *reason != CoolingReason::Rejected) {
        let soonest = cooling.iter().map(|(_, remaining)| *remaining).min();
        Exhaustion::RateLimited { retry_after: soonest.unwrap_or_default() }
    } else {
        Exhaustion::Rejected
    }
}

fn expected_next(keys: &mut [ModelKey], walk: &mut Walk, now: Duration) -> Option<usize> {
    let model = MODELS[walk.model];
    for (index, key) in keys.iter_mut().enumerate().skip(walk.visited) {
        walk.visited = index + 1;
        if key.state(model, now) == KeyState::Valid {
            if key.admit(walk.model, now) {
                return Some(index);
            }
            walk.deferred.push(index);
        }
    }
    while !walk.deferred.is_empty() {
        let index = walk.deferred.remove(0);
        if keys[index].state(model, now) == KeyState::Valid {
            return Some(index);
        }
    }
    None
}

/// Compares the status of a key with the model.
fn check_status(status: &KeyStatus, key: &ModelKey, now: Duration) {
    assert_eq!(status.state, key.state(None, now));
    let of_model = |model: &&str| {
        let ends = key.running(Some(model), now).filter(|(.., of)| of.is_some()).map(|(until, ..)| *until);
        Some(ModelCooldown { model: (*model).to_owned(), remaining: ends.max()? - now })
    };
    let expected: Vec<_> = MODELS.iter().flatten().filter_map(of_model).collect();
    assert_eq!(status.models, expected);
}

fn check(events: &[Event]) -> Result<(), KeyPoolError> {
    let (clock, time) = quanta::Clock::mock();
    let names: Vec<String> = (0..KEYS).map(|key| format!("sk-{key}")).collect();
    let pool = KeyPool::new(names.iter().map(|name| name.as_str().into()).collect(), clock)?;
    let mut keys: [ModelKey; KEYS] = Default::default();
    let mut walks: Vec<Walk> = Vec::new();
    let mut now = Duration::ZERO;

    for event in events {
        let count = walks.len().max(1);
        match event {
            Event::Start { model } => walks.push(Walk::start(&pool, *model)),
            Event::Wait(wait) => {
                time.increment(*wait);
                now += *wait;
            }
            Event::Next { walk } => {
                let Some(walk) = walks.get_mut(walk % count) else { continue };
                let expected = expected_next(&mut keys, walk, now);
                let actual = walk.real.next_key();
                let actual_name = actual.as_ref().map(|key| key.secret().expose_secret());
                assert_eq!(actual_name, expected.map(|key| names[key].as_str()));
                walk.last = expected.zip(actual).or(walk.last.take());
            }
            Event::Report { walk, report } => {
                let Some(walk) = walks.get_mut(walk % count) else { continue };
                walk.report(&mut keys, now, report);
            }
        }
        for (status, key) in pool.statuses().iter().zip(&keys) {
            check_status(status, key, now);
        }
        for walk in &walks {
            assert_eq!(walk.real.exhaustion(), expected_exhaustion(&keys, walk, now), "after {event:?}");
        }
    }
    Ok(())
}

/// Multiples of 20 s, so that events fall exactly on the ends of cooldowns.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![3 => 0_u64..10, 1 => 0_u64..400].prop_map(|steps| Duration::from_secs(20 * steps))
}

fn event() -> impl Strategy<Value = Event> {
    let report = prop_oneof![
        proptest::option::of(duration()).prop_map(Report::RateLimited),
        Just(Report::OutOfQuota),
        Just(Report::TooLarge),
        Just(Report::Rejected),
        Just(Report::Unauthorized),
        Just(Report::Succeeded),
    ];
    prop_oneof![
        1 => (0..MODELS.len()).prop_map(|model| Event::Start { model }),
        3 => any::<usize>().prop_map(|walk| Event::Next { walk }),
        3 => (any::<usize>(), report).prop_map(|(walk, report)| Event::Report { walk, report }),
        2 => duration().prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn the_pool_behaves_as_the_model(events in proptest::collection::vec(event(), 1..80)) {
        check(&events)?;
    }
}
