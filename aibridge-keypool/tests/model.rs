//! The pool against a naive model of it, over random requests, answers and passing time.

use aibridge_keypool::{
    CoolingReason, Exhausted, Key, KeyPool, KeyPoolError, KeyState, KeyStatus, ModelCooldown, Walker,
};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use std::time::Duration;

const KEYS: usize = 3;

/// What happens next. Walks are numbered in the order of their beginning, modulo how many there are.
/// What walks ask for: no model, or one of two.
const MODELS: [Option<&str>; 3] = [None, Some("m"), Some("n")];

/// What happens next. Walks are numbered in the order of their beginning, modulo how many there are.
#[derive(Debug, Clone)]
enum Event {
    /// A walk begins, for the model at this index.
    Begin {
        model: usize,
    },
    Next {
        walk: usize,
    },
    /// The answer to the walk's last key; none if it has no key yet.
    Answer {
        walk: usize,
        answer: Answer,
    },
    Wait(Duration),
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    RateLimited(Option<Duration>),
    OutOfQuota,
    TooLarge,
    Rejected,
    Unauthorized,
    Succeeded,
}

/// One cooldown that began: its end, its reason, and the model that it is about, none for all.
type Cooldown = (Duration, CoolingReason, Option<&'static str>);

/// What has to be tried: a model, or for `None` the whole key.
#[derive(Default)]
struct Trial {
    /// Whether it cooled since the last success.
    unproven: bool,
    /// When it was last offered to be tried.
    tried: Option<Duration>,
}

impl Trial {
    fn is_taken(&self, now: Duration) -> bool {
        self.unproven && self.tried.is_some_and(|began| now < began + Duration::from_secs(10))
    }
}

/// What the provider said about one key, and when: nothing is summed up, everything is looked up.
#[derive(Default)]
struct ModelKey {
    cooldowns: Vec<Cooldown>,
    rejections_in_a_row: usize,
    empty_accounts_in_a_row: usize,
    /// In the order of [`MODELS`].
    trials: [Trial; 3],
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

    /// Whether a walk is offered it in its turn: one tries it for 10 s.
    fn is_for_the_next(&mut self, model: usize, now: Duration) -> bool {
        if self.trials[0].is_taken(now) || self.trials[model].is_taken(now) {
            return false;
        }
        for trial in [0, model] {
            if self.trials[trial].unproven {
                self.trials[trial].tried = Some(now);
            }
        }
        true
    }

    fn doubles(&mut self, now: Duration, reason: CoolingReason) {
        self.trials[0] = Trial { unproven: true, tried: None };
        if self.running(None, now).any(|(_, why, _)| *why == reason) {
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

    fn answer(&mut self, model: usize, now: Duration, answer: &Answer) {
        match answer {
            Answer::Succeeded => {
                (self.rejections_in_a_row, self.empty_accounts_in_a_row) = (0, 0);
                for trial in [0, model] {
                    let is_cooling = self.running(MODELS[trial], now).any(|(.., of)| *of == MODELS[trial]);
                    self.trials[trial].unproven &= is_cooling;
                }
            }
            Answer::RateLimited(cooldown) => {
                let cooldown = cooldown.unwrap_or(Duration::from_secs(60));
                self.cooldowns.push((now + cooldown, CoolingReason::RateLimited, MODELS[model]));
                self.trials[model] = Trial { unproven: true, tried: None };
            }
            Answer::OutOfQuota => self.doubles(now, CoolingReason::Quota),
            Answer::Rejected => self.doubles(now, CoolingReason::Rejected),
            Answer::TooLarge | Answer::Unauthorized => {}
        }
    }
}

/// A walk, the model's and the real one.
struct Walk {
    real: Walker,
    /// An index of [`MODELS`].
    model: usize,
    last: Option<(usize, Key)>,
    /// Keys that were offered or passed over.
    seen: usize,
    /// Keys that another walk was trying.
    put_off: Vec<usize>,
    /// Keys that were answered a 401 without a name.
    suspects: Vec<usize>,
    met_a_rate_limit: bool,
}

impl Walk {
    fn begin(pool: &KeyPool, model: usize) -> Self {
        let real = MODELS[model].map_or_else(|| pool.walk(), |model| pool.walk_for(model));
        Self {
            real,
            model,
            last: None,
            seen: 0,
            put_off: Vec::new(),
            suspects: Vec::new(),
            met_a_rate_limit: false,
        }
    }

    fn answer(&mut self, keys: &mut [ModelKey], now: Duration, answer: &Answer) {
        let Some((index, key)) = &self.last else { return };
        keys[*index].answer(self.model, now, answer);
        match answer {
            Answer::RateLimited(cooldown) => key.rate_limited(*cooldown),
            Answer::OutOfQuota => key.out_of_quota(),
            Answer::TooLarge => key.request_too_large(),
            Answer::Rejected => key.rejected(),
            Answer::Unauthorized => {
                self.suspects.push(*index);
                key.unauthorized();
            }
            Answer::Succeeded => {
                for suspect in self.suspects.drain(..) {
                    keys[suspect].doubles(now, CoolingReason::Rejected);
                }
                key.succeeded();
            }
        }
        self.met_a_rate_limit |= matches!(answer, Answer::RateLimited(_) | Answer::OutOfQuota);
    }
}

fn expected_end(keys: &[ModelKey], walk: &Walk, now: Duration) -> Exhausted {
    let cooling = keys.iter().filter_map(|key| match key.state(MODELS[walk.model], now) {
        KeyState::Cooling { reason, remaining } => Some((reason, remaining)),
        KeyState::Valid => None,
    });
    let cooling: Vec<_> = cooling.collect();
    if walk.met_a_rate_limit || cooling.iter().any(|(reason, _)| *reason != CoolingReason::Rejected) {
        let soonest = cooling.iter().map(|(_, remaining)| *remaining).min();
        Exhausted::RateLimited { retry_after: soonest.unwrap_or_default() }
    } else {
        Exhausted::Rejected
    }
}

fn expected_next(keys: &mut [ModelKey], walk: &mut Walk, now: Duration) -> Option<usize> {
    let model = MODELS[walk.model];
    for (index, key) in keys.iter_mut().enumerate().skip(walk.seen) {
        walk.seen = index + 1;
        if key.state(model, now) == KeyState::Valid {
            if key.is_for_the_next(walk.model, now) {
                return Some(index);
            }
            walk.put_off.push(index);
        }
    }
    while !walk.put_off.is_empty() {
        let index = walk.put_off.remove(0);
        if keys[index].state(model, now) == KeyState::Valid {
            return Some(index);
        }
    }
    None
}

/// What the pool shows of a key is what the model knows.
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
            Event::Begin { model } => walks.push(Walk::begin(&pool, *model)),
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
            Event::Answer { walk, answer } => {
                let Some(walk) = walks.get_mut(walk % count) else { continue };
                walk.answer(&mut keys, now, answer);
            }
        }
        for (status, key) in pool.statuses().iter().zip(&keys) {
            check_status(status, key, now);
        }
        for walk in &walks {
            assert_eq!(walk.real.exhausted(), expected_end(&keys, walk, now), "after {event:?}");
        }
    }
    Ok(())
}

/// Multiples of 20 s, so that ends of cooldowns are hit exactly, not only missed.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![3 => 0_u64..10, 1 => 0_u64..400].prop_map(|steps| Duration::from_secs(20 * steps))
}

fn event() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![
        proptest::option::of(duration()).prop_map(Answer::RateLimited),
        Just(Answer::OutOfQuota),
        Just(Answer::TooLarge),
        Just(Answer::Rejected),
        Just(Answer::Unauthorized),
        Just(Answer::Succeeded),
    ];
    prop_oneof![
        1 => (0..MODELS.len()).prop_map(|model| Event::Begin { model }),
        3 => any::<usize>().prop_map(|walk| Event::Next { walk }),
        3 => (any::<usize>(), answer).prop_map(|(walk, answer)| Event::Answer { walk, answer }),
        2 => duration().prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn the_pool_does_what_the_model_does(events in proptest::collection::vec(event(), 1..80)) {
        check(&events)?;
    }
}
