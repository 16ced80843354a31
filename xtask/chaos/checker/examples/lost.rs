//! Two clients receive whole responses, and only one request has its rows: `cargo run -p aibridge-chaos-checker --example lost`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_chaos_checker::{Ledger, Outcome, PROMPT_START, Plan, Record, Records, compare};
use std::time::Duration;

fn main() {
    let ledger = Ledger::new(1);
    let plans = [ledger.begin(None), ledger.begin(None)];
    for plan in &plans {
        ledger.note_provider_call(plan.number);
        ledger.note_outcome(plan, Outcome::Whole(id(plan)), Duration::from_millis(5));
    }
    let records = Records { interceptions: vec![rows(&plans[0])], ..Records::default() };
    let comparison = compare(&ledger.requests(), &records);
    println!("{} of {} responses were whole, {} lost", comparison.whole, comparison.sent, comparison.lost);
    for (kind, (count, described)) in &comparison.violations {
        println!("{kind}: {count}, {}", described.join("; "));
    }
}

fn id(plan: &Plan) -> String {
    format!("id-{}", plan.number)
}

/// The rows that the request must have.
fn rows(plan: &Plan) -> Record {
    let [input, cached, output] = plan.tokens;
    Record {
        id: id(plan),
        number: Some(plan.number),
        outcome: Some("completed".to_owned()),
        prompts: vec![(plan.prompt_start(PROMPT_START), plan.prompt_bytes as u64)],
        usages: vec![[input - cached, cached, output]],
        tools: plan.tool_calls(),
        thoughts: usize::from(plan.reasoning),
        ..Record::default()
    }
}
