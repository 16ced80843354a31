//! The checker: compares the ledger of clients and provider with the rows of the database. No I/O.

use crate::ledger::{Entry, Outcome};
use crate::plan::Plan;
use crate::records::{PROMPT_START, Record, Records};
use std::collections::{BTreeMap, HashMap};

/// The most violations of one kind that are described. Further ones are only counted.
const DESCRIBED: usize = 5;

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Requests that were sent.
    pub sent: usize,
    /// Requests whose response a client received whole.
    pub whole: usize,
    /// The number of refusals by code.
    pub refusals: BTreeMap<String, usize>,
    /// The rows of all tables.
    pub rows: usize,
    /// Whole responses with missing or wrong rows.
    pub lost: usize,
    /// Rows that exist twice.
    pub doubled: usize,
    /// Requests that the provider received and that have no row.
    pub unrecorded: usize,
    /// Interceptions that were closed as `gateway_crash`.
    pub crashed: usize,
    /// Blocking responses that were not sent, because their end could not be recorded.
    pub ends_cut: usize,
    /// Refused requests that nevertheless have a row.
    pub refused_with_row: usize,
    /// Violations by kind, with a few descriptions.
    pub violations: Violations,
}

/// Violations by kind: their number, and a few descriptions.
pub type Violations = BTreeMap<&'static str, (usize, Vec<String>)>;

/// Compares `requests` with `records`.
pub fn compare(requests: &[(Plan, Entry)], records: &Records) -> Comparison {
    let mut comparison = Comparison { sent: requests.len(), rows: records.rows, ..Comparison::default() };
    let mut by_number: HashMap<u64, Vec<&Record>> = HashMap::new();
    for record in &records.interceptions {
        match record.number.filter(|number| (*number as usize) < requests.len()) {
            Some(number) => by_number.entry(number).or_default().push(record),
            None => comparison.add("foreign", || format!("no client sent interception {}", record.id)),
        }
        if record.outcome.is_none() {
            comparison.add("open", || format!("interception {} has no end", record.id));
        }
        comparison.crashed += usize::from(record.error_type.as_deref() == Some("gateway_crash"));
    }
    if records.strays > 0 {
        comparison.add("foreign", || format!("{} rows without an interception", records.strays));
    }
    for (plan, entry) in requests {
        let found = by_number.get(&plan.number).map_or(&[][..], Vec::as_slice);
        comparison.check_request(plan, entry, found);
    }
    comparison
}

impl Comparison {
    /// Adds the result of another scene with the same fault.
    pub fn merge(&mut self, other: Self) {
        self.sent += other.sent;
        self.whole += other.whole;
        for (code, count) in other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
        self.ends_cut += other.ends_cut;
        self.refused_with_row += other.refused_with_row;
        self.rows += other.rows;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.unrecorded += other.unrecorded;
        self.crashed += other.crashed;
        for (kind, (count, examples)) in other.violations {
            let violation = self.violations.entry(kind).or_default();
            violation.0 += count;
            let room = DESCRIBED.saturating_sub(violation.1.len());
            violation.1.extend(examples.into_iter().take(room));
        }
    }

    /// The number of refused requests.
    pub fn refused(&self) -> usize {
        self.refusals.values().sum()
    }

    fn check_request(&mut self, plan: &Plan, entry: &Entry, found: &[&Record]) {
        let number = plan.number;
        if found.len() > 1 || found.iter().any(|record| has_doubles(record, plan)) {
            self.doubled += 1;
            self.add("doubled", || format!("request {number}: {found:?}"));
        }
        if entry.provider_calls > 0 && found.is_empty() {
            self.unrecorded += 1;
            self.add("unrecorded", || format!("request {number} reached the provider: {:?}", entry.outcome));
        }
        if entry.provider_calls > 1 {
            self.add("sent twice", || format!("request {number}: {} times", entry.provider_calls));
        }
        for record in found.iter().filter(|record| record.outcome.as_deref() == Some("completed")) {
            if let Some(missing) = defect(record, plan) {
                self.add("incomplete", || {
                    format!("request {number} is completed, but {missing}: {record:?}")
                });
            }
        }
        match &entry.outcome {
            Some(Outcome::Whole(id)) => {
                self.whole += 1;
                self.check_whole(plan, id, found);
            }
            Some(Outcome::Refused(status, code)) => {
                let size = if plan.has_large_prompt() { " of a large prompt" } else { "" };
                *self.refusals.entry(format!("{code}{size}")).or_default() += 1;
                self.refused_with_row += usize::from(!found.is_empty());
                if *status != 503 {
                    self.add("unexpected", || format!("request {number}: {status} {code}; {found:?}"));
                } else if entry.provider_calls > 0 {
                    self.add("refused but sent", || format!("request {number}: {status} {code}"));
                }
            }
            Some(Outcome::Altered) => self.add("altered", || format!("the response to request {number}")),
            Some(Outcome::EndCut) => self.ends_cut += 1,
            Some(Outcome::Broken) | None => {}
        }
    }

    fn check_whole(&mut self, plan: &Plan, id: &str, found: &[&Record]) {
        let defect = match found {
            [] => Some("it has no row".to_owned()),
            [record, ..] if record.id != id => Some(format!("its row is {}", record.id)),
            [record, ..] if record.outcome.as_deref() != Some("completed") => {
                Some(format!("it is {:?} {:?}", record.outcome, record.error_type))
            }
            [record, ..] => defect(record, plan),
        };
        if let Some(defect) = defect {
            self.lost += 1;
            self.add("lost", || format!("request {} (interception {id}): {defect}", plan.number));
        }
    }

    /// Counts a violation of `kind`.
    pub fn add(&mut self, kind: &'static str, describe: impl FnOnce() -> String) {
        let (count, described) = self.violations.entry(kind).or_default();
        *count += 1;
        if described.len() < DESCRIBED {
            described.push(describe());
        }
    }
}

fn has_doubles(record: &Record, plan: &Plan) -> bool {
    let mut calls: Vec<_> = record.tools.iter().map(|(id, ..)| id).collect();
    calls.sort();
    calls.dedup();
    record.prompts.len() > 1
        || record.usages.len() > 1
        || calls.len() < record.tools.len()
        || record.thoughts > usize::from(plan.reasoning)
}

/// The defect in the rows of a completed interception; `None` if they are correct.
fn defect(record: &Record, plan: &Plan) -> Option<String> {
    let prompt = (plan.prompt_start(PROMPT_START), plan.prompt_bytes as u64);
    let [input, cached, output] = plan.tokens;
    let mut tools = record.tools.clone();
    tools.sort_by(|left, right| left.0.cmp(&right.0));
    if record.prompts != [prompt] {
        return Some(format!("its prompts are {:?}", record.prompts));
    }
    if record.usages != [[input - cached, cached, output]] {
        return Some(format!("its usage is {:?}, not {:?}", record.usages, plan.tokens));
    }
    if tools != plan.tool_calls() {
        return Some(format!("its tool calls are {:?}", record.tools));
    }
    (record.thoughts != usize::from(plan.reasoning)).then(|| format!("it has {} thoughts", record.thoughts))
}

#[cfg(test)]
mod tests;
