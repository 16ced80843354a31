//! The rules of budgets: admission, refusals, counting and warnings.

#![allow(clippy::unwrap_used, reason = "a test program, with helpers outside of the test functions")]

use aibridge_budgets::{Budget, Ledger, Period, Scope, Settings, SpentTotals, Subject};
use aibridge_prices::NanoUsd;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const CENT: NanoUsd = NanoUsd::new(10_000_000);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-27T12:00:00Z")
}

fn cents(cents: i64) -> NanoUsd {
    NanoUsd::new(cents * CENT.get())
}

fn budget(scope: Scope, name: &str, amount: i64, period: Period) -> Budget {
    Budget::new(scope, name, Some(cents(amount)), period)
}

fn settings(budgets: Vec<Budget>) -> Settings {
    Settings { budgets, ..Settings::default() }
}

fn ledger(budgets: Vec<Budget>) -> Ledger {
    Ledger::new(settings(budgets), noon())
}

fn user(user: &str) -> Subject<'_> {
    Subject { user, ..Subject::default() }
}

/// Whether a request is admitted; if so, it costs `cost` cents.
fn spend(ledger: &Ledger, subject: &Subject<'_>, cost: i64, now: Timestamp) -> bool {
    match ledger.reserve(subject, None, NanoUsd::ZERO, now) {
        Ok(reservation) => {
            reservation.settle(cents(cost), now);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn an_untouched_budget_admits_one_request() {
    let ledger = ledger(vec![budget(Scope::User, "*", 1, Period::Month)]);
    let first = ledger.reserve(&user("a"), None, cents(50), noon()).unwrap();
    assert_eq!(first.amount(), cents(50));
    assert!(ledger.reserve(&user("a"), None, cents(1), noon()).is_err(), "the first one holds it all");
    assert!(ledger.reserve(&user("b"), None, cents(50), noon()).is_ok());
    drop(first);
    assert!(ledger.reserve(&user("a"), None, cents(50), noon()).is_ok());
}

#[test]
fn a_refusal_states_what_is_left() {
    let ledger = ledger(vec![budget(Scope::User, "*", 100, Period::Month)]);
    assert!(spend(&ledger, &user("a"), 80, noon()));
    let message = |input| ledger.reserve(&user("a"), None, input, noon()).unwrap_err().to_string();
    assert_eq!(
        message(cents(30)), // less than the mean of what a request costs
        "The user budget of $1.00 per month has $0.20 left, and a request like this one needs about $0.80: \
         $0.80 spent, $0.00 reserved. It resets at 2026-12-01T00:00:00Z."
    );
    ledger.charge(&user("a"), cents(30), noon());
    assert_eq!(
        message(cents(1)),
        "The user budget of $1.00 per month is used up: $1.10 spent, $0.00 reserved. \
         It resets at 2026-12-01T00:00:00Z."
    );
}

#[test]
fn zero_blocks_and_no_amount_exempts() {
    let all = budget(Scope::User, "*", 0, Period::Month);
    let ledger = ledger(vec![all, Budget::new(Scope::User, "boss", None, Period::Month)]);
    let refusal = ledger.check(&user("a"), noon()).unwrap_err();
    assert_eq!((refusal.amount, refusal.spent), (NanoUsd::ZERO, NanoUsd::ZERO));
    assert!(spend(&ledger, &user("boss"), 1_000_000, noon()));
    assert!(spend(&ledger, &user("boss"), 1_000_000, noon()));
}

#[test]
fn the_most_specific_budget_of_a_scope_wins_and_scopes_all_pass() {
    let ledger = ledger(vec![
        budget(Scope::User, "*", 10, Period::Month),
        budget(Scope::User, "rich", 1_000, Period::Month),
        budget(Scope::Model, "dear", 50, Period::Day),
    ]);
    assert!(spend(&ledger, &user("a"), 10, noon()));
    assert!(!spend(&ledger, &user("a"), 0, noon()));
    let rich = Subject { model: "dear", ..user("rich") };
    assert!(spend(&ledger, &rich, 60, noon()));
    let refusal = ledger.reserve(&rich, None, NanoUsd::ZERO, noon()).unwrap_err();
    assert_eq!((refusal.scope, refusal.period), (Scope::Model, Period::Day));
    assert!(spend(&ledger, &Subject { model: "cheap", ..user("rich") }, 60, noon()));
    assert!(!spend(&ledger, &Subject { model: "cheap", ..user("a") }, 0, noon()));
}

#[test]
fn budgets_of_several_periods_hold_together() {
    let ledger =
        ledger(vec![budget(Scope::User, "*", 10, Period::Day), budget(Scope::User, "*", 20, Period::Month)]);
    assert!(spend(&ledger, &user("a"), 10, noon()));
    assert_eq!(ledger.check(&user("a"), noon()).unwrap_err().period, Period::Day);
    let tomorrow = at("2026-11-28T00:00:00Z");
    assert!(spend(&ledger, &user("a"), 10, tomorrow));
    assert_eq!(ledger.check(&user("a"), at("2026-11-29T00:00:00Z")).unwrap_err().period, Period::Month);
    assert!(ledger.check(&user("a"), at("2026-12-01T00:00:00Z")).is_ok());
}

#[test]
fn groups_have_a_pot_or_an_amount_for_each_member() {
    let groups = ["eng".to_owned(), "ops".to_owned()];
    let member = |user, groups| Subject { user, groups, ..Subject::default() };
    let shared = Budget { shared: true, ..budget(Scope::Group, "eng", 10, Period::Week) };
    let pot = ledger(vec![shared]);
    assert!(spend(&pot, &member("a", &groups), 10, noon()));
    assert!(!spend(&pot, &member("b", &groups[..1]), 0, noon()));
    assert!(spend(&pot, &member("c", &groups[1..]), 10, noon()));
    let each = ledger(vec![budget(Scope::Group, "*", 10, Period::Week)]);
    assert!(spend(&each, &member("a", &groups), 10, noon()));
    assert!(!spend(&each, &member("a", &groups[..1]), 0, noon()));
    assert!(spend(&each, &member("b", &groups), 10, noon()));
}

#[test]
fn one_pot_for_all_users() {
    let ledger = ledger(vec![Budget { shared: true, ..budget(Scope::User, "*", 10, Period::Week) }]);
    assert!(spend(&ledger, &user("a"), 10, noon()));
    assert!(!spend(&ledger, &user("b"), 0, noon()));
}

#[test]
fn reserves_what_a_request_usually_costs() {
    let ledger = ledger(Vec::new());
    let subject = Subject { model: "m", ..user("a") };
    let amount = |session, input| ledger.reserve(&subject, session, input, noon()).unwrap().amount();
    assert_eq!(amount(Some("s"), cents(3)), cents(3));
    ledger.reserve(&subject, Some("s"), NanoUsd::ZERO, noon()).unwrap().settle(cents(40), noon());
    assert_eq!(amount(Some("s"), cents(3)), cents(40));
    assert_eq!(amount(None, cents(50)), cents(50));
    assert_eq!(amount(Some("s"), cents(5_000)), cents(100), "the largest reservation");
}

#[test]
fn a_changed_amount_and_a_late_budget_count_what_was_spent() {
    let ledger = ledger(vec![budget(Scope::User, "*", 10, Period::Month)]);
    let subject = Subject { model: "m", provider: "p", ..user("a") };
    assert!(spend(&ledger, &subject, 10, noon()));
    assert!(ledger.check(&subject, noon()).is_err());
    ledger.replace(settings(vec![budget(Scope::User, "*", 20, Period::Month)]), noon());
    assert!(ledger.check(&subject, noon()).is_ok());
    ledger.replace(settings(vec![budget(Scope::Provider, "p", 10, Period::Week)]), noon());
    assert_eq!(ledger.check(&subject, noon()).unwrap_err().spent, cents(10));
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_twice() {
    let ledger = ledger(vec![budget(Scope::User, "*", 10, Period::Month)]);
    let december = at("2026-12-01T00:00:00Z");
    assert!(spend(&ledger, &user("a"), 10, december));
    assert!(!spend(&ledger, &user("a"), 0, noon()));
}

#[test]
fn warns_once_in_a_window() {
    let ledger = ledger(vec![budget(Scope::User, "*", 100, Period::Day)]);
    let percents = |cost, now| {
        let warnings = ledger.charge(&user("a"), cents(cost), now);
        warnings.iter().map(|warning| warning.percent).collect::<Vec<_>>()
    };
    assert_eq!(percents(74, noon()), [0; 0]);
    assert_eq!(percents(1, noon()), [75]);
    assert_eq!(percents(19, noon()), [0; 0]);
    assert_eq!(percents(1, noon()), [95]);
    assert_eq!(percents(900, noon()), [0; 0]);
    assert_eq!(percents(99, at("2026-11-28T00:00:00Z")), [95]);
}

#[test]
fn loads_what_records_say() {
    let ledger = ledger(vec![budget(Scope::User, "*", 100, Period::Day)]);
    let loaded = SpentTotals { subject: user("a"), spent: [cents(80), cents(90), cents(100)] };
    ledger.load([loaded], noon());
    assert_eq!(ledger.spent_by("a", Period::Month, noon()), cents(100));
    assert_eq!(ledger.charge(&user("a"), cents(1), noon()), [], "it was warned of before the restart");
    let list = ledger.list(noon());
    assert_eq!((list[0].name.as_str(), list[0].spent, list[0].remaining), ("a", cents(81), Some(cents(19))));
}

#[test]
fn recorded_spending_is_replaced_and_charged_costs_stay() {
    let ledger = ledger(vec![budget(Scope::User, "*", 10, Period::Day)]);
    let recorded = |cost| SpentTotals { subject: user("a"), spent: [cents(cost); 3] };
    ledger.charge(&user("a"), cents(3), noon());
    ledger.load([recorded(2), recorded(1)], noon());
    assert_eq!(ledger.spent_by("a", Period::Month, noon()), cents(6));
    ledger.charge(&user("a"), cents(1), noon());
    ledger.load([recorded(7)], noon());
    assert_eq!(ledger.spent_by("a", Period::Day, noon()), cents(11));
    assert!(ledger.check(&user("a"), noon()).is_err());
    ledger.load([], noon());
    assert_eq!(ledger.spent_by("a", Period::Month, noon()), cents(4));
}

#[test]
fn idle_agents_are_never_refused_while_nothing_is_spent() {
    let ledger = ledger(vec![budget(Scope::User, "*", 2_500, Period::Month)]);
    let dear = cents(100_000);
    let agents: Vec<_> = (0..20)
        .map(|agent| ledger.reserve(&user("a"), Some(&agent.to_string()), dear, noon()).unwrap())
        .collect();
    assert!(agents.iter().all(|agent| agent.amount() == cents(100)), "the largest reservation is a dollar");
    assert!(ledger.check(&user("a"), noon()).is_ok());
}

#[test]
fn lists_every_budget_with_those_that_it_applies_to() {
    let ledger = ledger(vec![
        budget(Scope::User, "*", 10, Period::Day),
        budget(Scope::User, "b", 20, Period::Day),
        budget(Scope::Key, "*", 30, Period::Day),
    ]);
    ledger.charge(&user("a"), cents(1), noon());
    ledger.charge(&user("b"), cents(30), noon());
    let rows: Vec<_> =
        ledger.list(noon()).into_iter().map(|row| (row.scope, row.name, row.remaining)).collect();
    let expected = [
        (Scope::User, "a".to_owned(), Some(cents(9))),
        (Scope::User, "b".to_owned(), Some(cents(0))),
        (Scope::Key, "*".to_owned(), Some(cents(30))),
    ];
    assert_eq!(rows, expected);
    assert_eq!(ledger.list_of(&user("b"), noon()).len(), 1);
}

#[test]
fn another_time_zone_has_other_windows() {
    let ledger = ledger(vec![budget(Scope::User, "*", 10, Period::Day)]);
    ledger.charge(&user("a"), cents(10), noon());
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    let settings = Settings { time_zone: tokyo, ..settings(vec![budget(Scope::User, "*", 10, Period::Day)]) };
    assert!(ledger.replace(settings, noon()), "the caller loads the totals anew");
    assert_eq!(ledger.list(noon())[0].resets_at, at("2026-11-27T15:00:00Z"));
}

#[test]
fn concurrent_callers_overspend_by_what_is_in_flight_at_most() {
    let ledger = ledger(vec![budget(Scope::User, "*", 100, Period::Month)]);
    let (reserved, cost) = (cents(2), cents(5));
    let admitted: i64 = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let ledger = ledger.clone();
                scope.spawn(move || {
                    let reservation = ledger.reserve(&user("a"), None, reserved, noon());
                    reservation.map_or(0, |reservation| {
                        reservation.settle(cost, noon());
                        1
                    })
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let spent = ledger.spent_by("a", Period::Month, noon());
    assert_eq!(spent, cents(5 * admitted));
    let in_flight = 100 / 2; // requests with two cents reserved that a dollar has room for
    assert!(spent <= cents(100 + in_flight * (5 - 2)), "{spent}");
    assert_eq!(ledger.list(noon())[0].reserved, NanoUsd::ZERO);
}
