//! Three agents of one user share a budget of one dollar a day. Prints which calls are admitted.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_budgets::{Budget, Ledger, Period, Scope, Settings, Subject};
use aibridge_prices::NanoUsd;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let now = "2026-11-27T12:00:00Z".parse()?;
    let budget = Budget::new(Scope::User, "*", Some(NanoUsd::dollars(1)), Period::Day);
    let ledger = Ledger::new(Settings { budgets: vec![budget], ..Settings::default() }, now);
    let cents = |cents: i64| NanoUsd::new(cents * 10_000_000);
    for round in 1..=5 {
        // The calls of a round are in flight at the same time, so each counts with what it is expected to cost.
        let calls: Vec<_> = (0..3)
            .map(|agent| {
                let session = format!("session-{agent}");
                let subject = Subject { user: "ada", ..Subject::default() };
                (agent, ledger.reserve(&subject, Some(&session), cents(9), now))
            })
            .collect();
        for (agent, call) in calls {
            match call {
                Ok(reservation) => {
                    reservation.settle(cents(8), now);
                    println!("round {round}, agent {agent}: admitted");
                }
                Err(refusal) => println!("round {round}, agent {agent}: refused until {}", refusal.resets_at),
            }
        }
    }
    Ok(())
}
