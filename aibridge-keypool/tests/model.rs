//! The pool against a naive model of it, over random requests, answers and passing time.

use aibridge_keypool::{CoolingReason, Exhausted, Key, KeyPool, KeyPoolError, KeyState, Walker};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use std::time::Duration;

const KEYS: usize = 3;

/// What happens next. Walks are numbered in the order of their beginning, modulo how many there are.
#[derive(Debug, Clone)]
enum Event {
    Begin,
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

#[derive(Debug, Clone)]
enum Answer {
    RateLimited(Option<Duration>),
    Rejected,
    Succeeded,
}

/// What the provider said about one key, and when: nothing is summed up, everything is looked up.
#[derive(Default)]
struct ModelKey {
    cooldowns: Vec<(Duration, CoolingReason)>,
    rejections_in_a_row: u32,
    /// Whether it cooled since the last success.
    unproven: bool,
    /// When it was last offered to be tried.
    tried: Option<Duration>,
}

impl ModelKey {
    /// The ends of the cooldowns that are running, with their reasons.
    fn running(&self, now: Duration) -> impl Iterator<Item = &(Duration, CoolingReason)> {
        self.cooldowns.iter().filter(move |(until, _)| *until > now)
    }

    fn state(&self, now: Duration) -> KeyState {
        let longest = self.running(now).max_by_key(|(until, reason)| {
            (*until, *reason == CoolingReason::RateLimited) // a tie is a rate limit's
        });
        longest.map_or(KeyState::Valid, |(until, reason)| KeyState::Cooling {
            reason: *reason,
            remaining: *until - now,
        })
    }

    /// Whether a walk is offered it in its turn: one tries it for 10 s.
    fn is_for_the_next(&mut self, now: Duration) -> bool {
        let is_tried = self.tried.is_some_and(|began| now < began + Duration::from_secs(10));
        if self.unproven && !is_tried {
            self.tried = Some(now);
        }
        !self.unproven || !is_tried
    }

    fn answer(&mut self, now: Duration, answer: &Answer) {
        match answer {
            Answer::Succeeded if self.state(now) == KeyState::Valid => self.unproven = false,
            Answer::Succeeded => {}
            Answer::RateLimited(_) | Answer::Rejected => (self.unproven, self.tried) = (true, None),
        }
        match answer {
            Answer::Succeeded => self.rejections_in_a_row = 0,
            Answer::RateLimited(cooldown) => {
                let cooldown = cooldown.unwrap_or(Duration::from_secs(60));
                self.cooldowns.push((now + cooldown, CoolingReason::RateLimited));
            }
            Answer::Rejected if self.running(now).any(|(_, why)| *why == CoolingReason::Rejected) => {}
            Answer::Rejected => {
                self.rejections_in_a_row += 1;
                let minutes = [1, 2, 4, 8, 16, 32, 60][(self.rejections_in_a_row as usize - 1).min(6)];
                self.cooldowns.push((now + Duration::from_secs(60 * minutes), CoolingReason::Rejected));
            }
        }
    }
}

/// A walk, the model's and the real one.
struct Walk {
    real: Walker,
    last: Option<(usize, Key)>,
    /// Keys that were offered or passed over.
    seen: usize,
    /// Keys that another walk was trying.
    put_off: Vec<usize>,
    met_a_rate_limit: bool,
}

fn expected_end(keys: &[ModelKey], walk: &Walk, now: Duration) -> Exhausted {
    let states = || keys.iter().map(|key| key.state(now));
    let remaining = states().filter_map(|state| match state {
        KeyState::Cooling { remaining, .. } => Some(remaining),
        KeyState::Valid => None,
    });
    let rate_limited = |state| matches!(state, KeyState::Cooling { reason: CoolingReason::RateLimited, .. });
    if walk.met_a_rate_limit || states().any(rate_limited) {
        Exhausted::RateLimited { retry_after: remaining.min().unwrap_or_default() }
    } else {
        Exhausted::Rejected
    }
}

fn expected_next(keys: &mut [ModelKey], walk: &mut Walk, now: Duration) -> Option<usize> {
    for (index, key) in keys.iter_mut().enumerate().skip(walk.seen) {
        walk.seen = index + 1;
        if key.state(now) == KeyState::Valid {
            if key.is_for_the_next(now) {
                return Some(index);
            }
            walk.put_off.push(index);
        }
    }
    while !walk.put_off.is_empty() {
        let index = walk.put_off.remove(0);
        if keys[index].state(now) == KeyState::Valid {
            return Some(index);
        }
    }
    None
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
            Event::Begin => {
                walks.push(Walk {
                    real: pool.walk(),
                    last: None,
                    seen: 0,
                    put_off: Vec::new(),
                    met_a_rate_limit: false,
                });
            }
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
                let Some((index, key)) = &walk.last else { continue };
                keys[*index].answer(now, answer);
                match answer {
                    Answer::RateLimited(cooldown) => key.rate_limited(*cooldown),
                    Answer::Rejected => key.rejected(),
                    Answer::Succeeded => key.succeeded(),
                }
                walk.met_a_rate_limit |= matches!(answer, Answer::RateLimited(_));
            }
        }
        let expected: Vec<KeyState> = keys.iter().map(|key| key.state(now)).collect();
        let actual: Vec<KeyState> = pool.statuses().into_iter().map(|status| status.state).collect();
        assert_eq!(actual, expected, "after {event:?}");
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
        Just(Answer::Rejected),
        Just(Answer::Succeeded),
    ];
    prop_oneof![
        1 => Just(Event::Begin),
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
