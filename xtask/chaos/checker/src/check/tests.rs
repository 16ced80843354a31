//! Tests of the checker: a checker that finds nothing would make every fault look harmless.

use super::*;
use serde_json::Value;

fn plans() -> Vec<Plan> {
    (0..40).map(|number| Plan::new(3, number)).collect()
}

fn record(plan: &Plan) -> Record {
    let [input, cached, output] = plan.tokens;
    Record {
        id: format!("id-{}", plan.number),
        number: Some(plan.number),
        outcome: Some("completed".to_owned()),
        error_type: None,
        prompts: vec![(plan.prompt_start(PROMPT_START), plan.prompt_bytes as u64)],
        usages: vec![[input - cached, cached, output]],
        tools: plan.tool_calls().into_iter().rev().collect(),
        thoughts: usize::from(plan.reasoning),
    }
}

/// Compares whole responses to all plans with their records after `damage` has changed these.
fn comparison(damage: impl FnOnce(&mut Vec<Record>, &mut Vec<(Plan, Entry)>)) -> Comparison {
    let mut interceptions = plans().iter().map(record).collect();
    let whole = |plan: Plan| {
        let outcome = Some(Outcome::Whole(format!("id-{}", plan.number)));
        (plan, Entry { provider_calls: 1, outcome, ..Entry::default() })
    };
    let mut requests = plans().into_iter().map(whole).collect();
    damage(&mut interceptions, &mut requests);
    compare(&requests, &Records { interceptions, ..Records::default() })
}

#[test]
fn exact_records_pass() {
    let comparison = comparison(|_, _| {});
    assert_eq!((comparison.whole, comparison.lost, comparison.doubled), (40, 0, 0));
    assert!(comparison.violations.is_empty(), "{:?}", comparison.violations);
}

#[test]
fn each_missing_or_wrong_row_is_a_loss() {
    let with_tools = plans().iter().position(|plan| plan.tools > 0).unwrap();
    let damages: [&dyn Fn(&mut Record); 9] = [
        &|record| record.outcome = None,
        &|record| record.outcome = Some("failed".to_owned()),
        &|record| record.id.clear(),
        &|record| record.prompts.clear(),
        &|record| record.prompts[0].1 -= 1,
        &|record| record.usages.clear(),
        &|record| record.usages[0][2] += 1,
        &|record| drop(record.tools.pop()),
        &|record| record.tools[0].2 = Value::Null,
    ];
    for (at, damage) in damages.iter().enumerate() {
        let comparison = comparison(|records, _| damage(&mut records[with_tools]));
        assert_eq!((comparison.whole, comparison.lost, comparison.doubled), (40, 1, 0), "damage {at}");
    }
    let comparison = comparison(|records, _| drop(records.remove(5)));
    assert_eq!((comparison.lost, comparison.unrecorded), (1, 1));
}

#[test]
fn each_row_that_exists_twice_is_found() {
    let with_tools = plans().iter().position(|plan| plan.tools > 0).unwrap();
    let doubles: [&dyn Fn(&mut Record); 4] = [
        &|record| record.prompts.push(record.prompts[0].clone()),
        &|record| record.usages.push(record.usages[0]),
        &|record| record.tools.push(record.tools[0].clone()),
        &|record| record.thoughts += 2,
    ];
    for (at, double) in doubles.iter().enumerate() {
        assert_eq!(comparison(|records, _| double(&mut records[with_tools])).doubled, 1, "double {at}");
    }
    assert_eq!(comparison(|records, _| records.push(record(&plans()[9]))).doubled, 1);
}

#[test]
fn rows_and_calls_that_should_not_exist_are_found() {
    let kinds = |comparison: Comparison| comparison.violations.into_keys().collect::<Vec<_>>();
    assert_eq!(
        kinds(comparison(
            |records, _| records.push(Record { outcome: Some("failed".into()), ..Record::default() })
        )),
        ["foreign"]
    );
    let refused = |provider_calls| Entry {
        provider_calls,
        outcome: Some(Outcome::Refused(503, "recorder_unavailable".to_owned())),
        ..Entry::default()
    };
    let refuse = |calls| {
        comparison(move |records, requests| {
            records.pop();
            requests.last_mut().unwrap().1 = refused(calls);
        })
    };
    assert_eq!(kinds(refuse(0)), [""; 0]);
    assert_eq!(kinds(refuse(1)), ["refused but sent", "unrecorded"]);
    assert_eq!(kinds(comparison(|_, requests| requests[0].1.provider_calls = 2)), ["sent twice"]);
    assert_eq!(kinds(comparison(|_, requests| requests[0].1.outcome = Some(Outcome::Altered))), ["altered"]);
}

#[test]
fn a_broken_response_needs_no_complete_record() {
    let comparison = comparison(|records, requests| {
        requests[0].1.outcome = Some(Outcome::Broken);
        let crashed = Record { usages: Vec::new(), tools: Vec::new(), thoughts: 0, ..record(&plans()[0]) };
        records[0] =
            Record { outcome: Some("failed".into()), error_type: Some("gateway_crash".into()), ..crashed };
    });
    assert_eq!((comparison.whole, comparison.lost, comparison.crashed), (39, 0, 1));
    assert!(comparison.violations.is_empty(), "{:?}", comparison.violations);
}
