//! Compares a ledger with a naive model that keeps every cost and adds all of them up for each decision.

#![allow(clippy::unwrap_used, reason = "a test program, with helpers outside of the test functions")]

use aibridge_budgets::{Budget, Ledger, Period, Reservation, Scope, Settings, Subject, Window};
use aibridge_prices::NanoUsd;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const USERS: [&str; 3] = ["alice", "bob", "eve"];
const MODELS: [&str; 2] = ["m1", "m2"];

/// An operation on the ledger.
#[derive(Debug, Clone)]
enum Event {
    Reserve { user: usize, model: usize, group: bool, input: i64 },
    Settle { index: usize, cost: i64 },
    Drop { index: usize },
    Charge { user: usize, model: usize, group: bool, cost: i64 },
    Wait { minutes: i64 },
    Replace { budgets: Vec<Budget> },
}

fn budgets() -> impl Strategy<Value = Vec<Budget>> {
    let scope = prop::sample::select(&Scope::ALL[..]);
    let period = prop::sample::select(&Period::ALL[..]);
    let amount = prop::option::weighted(0.9, 0..200_i64);
    let budget = (scope, period, 0..4_usize, amount, any::<bool>()).prop_map(
        |(scope, period, name, amount, shared)| {
            let names: &[&str] = match scope {
                Scope::User => &["*", "alice", "bob", "eve"],
                Scope::Group => &["*", "eng", "*", "eng"],
                Scope::Model => &["*", "m1", "m2", "*"],
                _ => &["*", "*", "*", "*"],
            };
            let shared = shared && matches!(scope, Scope::User | Scope::Group);
            Budget { shared, ..Budget::new(scope, names[name], amount.map(NanoUsd::new), period) }
        },
    );
    prop::collection::vec(budget, 0..6)
}

fn events() -> impl Strategy<Value = Event> {
    let who = || (0..3_usize, 0..2_usize, any::<bool>());
    prop_oneof![
        6 => (who(), 0..60_i64).prop_map(|((user, model, group), input)| Event::Reserve { user, model, group, input }),
        4 => (any::<usize>(), 0..80_i64).prop_map(|(index, cost)| Event::Settle { index, cost }),
        2 => any::<usize>().prop_map(|index| Event::Drop { index }),
        1 => (who(), 0..80_i64).prop_map(|((user, model, group), cost)| Event::Charge { user, model, group, cost }),
        2 => (0..3_000_i64).prop_map(|minutes| Event::Wait { minutes }),
        1 => budgets().prop_map(|budgets| Event::Replace { budgets }),
    ]
}

/// A user, a model, and whether the user belongs to the one group.
type Actor = (usize, usize, bool);

/// Every cost and every reservation, one by one.
#[derive(Default)]
struct Naive {
    costs: Vec<(Actor, i64, Timestamp)>,
    reserved: Vec<(Actor, i64)>,
}

impl Naive {
    fn admits(&self, budgets: &[Budget], actor: Actor, amount: i64, zone: &TimeZone, now: Timestamp) -> bool {
        budgets.iter().filter(|budget| applies(budgets, budget, actor)).all(|budget| {
            let Some(limit) = budget.amount.map(NanoUsd::get) else { return true };
            let window = Window::containing(budget.period, zone, now);
            let costs = self
                .costs
                .iter()
                .filter(|(other, _, at)| counts(budget, actor, *other) && *at >= window.start);
            let spent: i64 = costs.map(|(_, cost, _)| cost).sum();
            let reserved = self.reserved.iter().filter(|(other, _)| counts(budget, actor, *other));
            let reserved: i64 = reserved.map(|(_, amount)| amount).sum();
            limit > 0 && spent + reserved == 0 || spent < limit && spent + reserved + amount <= limit
        })
    }
}

/// Whether `budget` is one of the most specific ones of its scope for `actor`.
fn applies(budgets: &[Budget], budget: &Budget, (user, model, group): Actor) -> bool {
    let name = match budget.scope {
        Scope::User => USERS[user],
        Scope::Group if group => "eng",
        Scope::Model => MODELS[model],
        Scope::Provider => "p",
        Scope::Everyone => "*",
        Scope::Group | Scope::Key => return false,
    };
    let has_own = budgets.iter().any(|other| other.scope == budget.scope && other.name == name);
    budget.name == if has_own { name } else { "*" }
}

/// Whether the spending of `other` counts for `budget` in a decision about `actor`.
fn counts(budget: &Budget, actor: Actor, other: Actor) -> bool {
    match budget.scope {
        Scope::User => budget.shared && budget.name == "*" || actor.0 == other.0,
        Scope::Group => other.2 && (budget.shared || actor.0 == other.0),
        Scope::Model => actor.1 == other.1,
        Scope::Provider | Scope::Everyone => true,
        Scope::Key => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decides_as_the_naive_model_does(
        first in budgets(),
        events in prop::collection::vec(events(), 1..80),
        zone in prop::sample::select(&["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"][..]),
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let groups = ["eng".to_owned()];
        let subject = |(user, model, group): Actor| Subject {
            user: USERS[user],
            model: MODELS[model],
            groups: if group { &groups } else { &[] },
            key: "",
            provider: "p",
        };
        let settings = |budgets: &[Budget]| Settings {
            budgets: budgets.to_vec(),
            time_zone: zone.clone(),
            max_reservation: NanoUsd::new(50),
        };
        let mut now: Timestamp = "2028-02-25T00:00:00Z".parse().unwrap();
        let mut budgets = first;
        let ledger = Ledger::new(settings(&budgets), now);
        let mut naive = Naive::default();
        let mut open: Vec<Reservation> = Vec::new();
        for event in events {
            match event {
                Event::Reserve { user, model, group, input } => {
                    let actor = (user, model, group);
                    match ledger.reserve(&subject(actor), None, NanoUsd::new(input), now) {
                        Ok(reservation) => {
                            let amount = reservation.amount().get();
                            prop_assert!(amount >= input.min(50) && amount <= 50);
                            prop_assert!(naive.admits(&budgets, actor, amount, &zone, now), "admitted {amount}");
                            naive.reserved.push((actor, amount));
                            open.push(reservation);
                        }
                        // A refusal holds for the largest reservation; the estimate may be any below it.
                        Err(_) => prop_assert!(!naive.admits(&budgets, actor, 50, &zone, now)),
                    }
                }
                Event::Settle { index, cost } if !open.is_empty() => {
                    let index = index % open.len();
                    open.swap_remove(index).settle(NanoUsd::new(cost), now);
                    let (actor, _) = naive.reserved.swap_remove(index);
                    naive.costs.push((actor, cost, now));
                }
                Event::Drop { index } if !open.is_empty() => {
                    let index = index % open.len();
                    drop(open.swap_remove(index));
                    naive.reserved.swap_remove(index);
                }
                Event::Charge { user, model, group, cost } => {
                    ledger.charge(&subject((user, model, group)), NanoUsd::new(cost), now);
                    naive.costs.push(((user, model, group), cost, now));
                }
                Event::Wait { minutes } => now += SignedDuration::from_mins(minutes),
                Event::Replace { budgets: other } => {
                    budgets = other;
                    ledger.replace(settings(&budgets), now);
                }
                Event::Settle { .. } | Event::Drop { .. } => {}
            }
            for actor in [(0, 0, true), (1, 1, false), (2, 0, false)] {
                let admitted = ledger.check(&subject(actor), now).is_ok();
                prop_assert_eq!(admitted, naive.admits(&budgets, actor, 0, &zone, now), "{:?}", actor);
            }
        }
        drop(open);
        let left = ledger.list(now).into_iter().find(|state| state.reserved != NanoUsd::ZERO);
        prop_assert_eq!(left, None, "a reservation is left");
    }
}
