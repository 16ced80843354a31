//! The report of `aibridge prices recompute`: the changes by model, and their sum.

use crate::args::prices::RecomputeArgs;
use crate::text_table::table;
use aibridge_accounting::{KeptReason, NewCost};
use aibridge_prices::NanoUsd;
use aibridge_store::RecordedUsage;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most models that are listed one by one: clients choose the names. Further ones share a row.
const MAX_MODELS: usize = 1000;

/// The name of the row for models beyond [`MAX_MODELS`].
const FURTHER: &str = "(further models)";

/// A remark for operators about budgets.
const AFTER_RESTART: &str =
    " A running gateway counts what it charged for its budgets until it is restarted.";

/// The changed costs, by model.
#[derive(Serialize)]
pub(super) struct Report {
    since: String,
    until: Option<String>,
    is_dry_run: bool,
    #[serde(flatten)]
    total: Sums,
    unchanged: u64,
    kept: BTreeMap<&'static str, u64>,
    #[serde(serialize_with = "rows")]
    models: BTreeMap<(String, String), Sums>,
}

/// Usages and their costs, before and after.
#[derive(Default, Serialize)]
struct Sums {
    usages: u64,
    changed: u64,
    /// Those of `changed` that had no price.
    newly_priced: u64,
    before_nano_usd: i64,
    after_nano_usd: i64,
}

#[derive(Serialize)]
struct ModelRow<'a> {
    provider: &'a str,
    model: &'a str,
    #[serde(flatten)]
    sums: &'a Sums,
}

impl Report {
    pub(super) fn new(args: &RecomputeArgs) -> Self {
        Self {
            since: format!("{:.0}", args.since),
            until: args.until.map(|until| format!("{until:.0}")),
            is_dry_run: args.dry_run,
            total: Sums::default(),
            unchanged: 0,
            kept: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// Adds a usage and the result for its cost.
    pub(super) fn add(&mut self, row: &RecordedUsage, cost: &NewCost) {
        match cost {
            NewCost::Changed(_) => {}
            NewCost::Same => self.unchanged += 1,
            NewCost::Kept(reason) => *self.kept.entry(KeptReason::as_str(*reason)).or_default() += 1,
        }
        let mut name = (row.provider_name.clone(), row.model.clone());
        if self.models.len() >= MAX_MODELS && !self.models.contains_key(&name) {
            name = ("*".to_owned(), FURTHER.to_owned());
        }
        self.models.entry(name).or_default().add(row.cost_nano_usd, cost);
        self.total.add(row.cost_nano_usd, cost);
    }

    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(super) fn text(&self) -> String {
        let names = ["PROVIDER", "MODEL", "USAGES", "CHANGED", "NEWLY PRICED", "BEFORE", "AFTER"];
        let cells = |((provider, model), sums): (&(String, String), &Sums)| {
            let Sums { usages, changed, newly_priced, before_nano_usd, after_nano_usd } = sums;
            let dollars = |nano: &i64| NanoUsd::new(*nano).to_string();
            let counts = [usages, changed, newly_priced].map(u64::to_string);
            let [usages, changed, newly_priced] = counts;
            let (before, after) = (dollars(before_nano_usd), dollars(after_nano_usd));
            vec![provider.clone(), model.clone(), usages, changed, newly_priced, before, after]
        };
        let mut text = table(&names, self.models.iter().map(cells));
        text.push_str(&self.summary());
        text
    }

    /// One sentence about all usages, and whether they were written.
    fn summary(&self) -> String {
        let Sums { usages, changed, newly_priced, before_nano_usd, after_nano_usd } = &self.total;
        let until = self.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
        let kept: u64 = self.kept.values().sum();
        let reasons: Vec<String> =
            self.kept.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let (before, after) = (NanoUsd::new(*before_nano_usd), NanoUsd::new(*after_nano_usd));
        let (done, written) = match self.is_dry_run {
            true => ("would change", " Nothing was written, because of --dry-run."),
            false if self.total.changed > 0 => ("changed", AFTER_RESTART),
            false => ("changed", ""),
        };
        format!(
            "{usages} usages since {}{until}: {changed} {done}, {newly_priced} of them had no price; {} stay the same; \
             {kept} are kept{reasons}. The sum was {before} and {} {after}.{written}\n",
            self.since,
            self.unchanged,
            if self.is_dry_run { "would be" } else { "is" },
        )
    }
}

impl Sums {
    fn add(&mut self, before: Option<i64>, cost: &NewCost) {
        let changed = match cost {
            NewCost::Changed(cost) => cost.cost_nano_usd,
            NewCost::Same | NewCost::Kept(_) => None,
        };
        self.usages += 1;
        self.changed += u64::from(changed.is_some());
        self.newly_priced += u64::from(changed.is_some() && before.is_none());
        let before = before.unwrap_or(0);
        self.before_nano_usd = self.before_nano_usd.saturating_add(before);
        self.after_nano_usd = self.after_nano_usd.saturating_add(changed.unwrap_or(before));
    }
}

fn rows<S: serde::Serializer>(
    models: &BTreeMap<(String, String), Sums>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(models.iter().map(|((provider, model), sums)| ModelRow { provider, model, sums }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_recorder::UsageCost;
    use jiff::Timestamp;
    use uuid::Uuid;

    fn row(model: &str, cost_nano_usd: Option<i64>) -> RecordedUsage {
        RecordedUsage {
            interception_id: Uuid::nil(),
            id: Uuid::nil(),
            provider: "openai".to_owned(),
            provider_name: "openai".to_owned(),
            model: model.to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            tokens: [0; 4],
            extra_token_types: String::new(),
            searches: [0; 2],
            cost_nano_usd,
            cost_status: None,
            price_id: None,
            estimated_tokens: [None; 2],
        }
    }

    fn report(dry_run: bool) -> Report {
        Report::new(&RecomputeArgs { since: Timestamp::UNIX_EPOCH, until: None, dry_run, json: false })
    }

    #[test]
    fn says_what_was_changed() {
        let mut report = report(true);
        let new = NewCost::Changed(UsageCost { cost_nano_usd: Some(3_000_000_000), ..UsageCost::default() });
        report.add(&row("a", Some(1_000_000_000)), &new);
        report.add(&row("a", None), &new);
        report.add(&row("b", Some(5)), &NewCost::Same);
        report.add(&row("b", Some(7)), &NewCost::Kept(KeptReason::Stated));
        let text = report.text();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["openai", "a", "2", "2", "1", "$1.00", "$6.00"]);
        assert_eq!(lines[2], ["openai", "b", "2", "0", "0", "$0.000000012", "$0.000000012"]);
        let summary = "4 usages since 1970-01-01T00:00:00Z: 2 would change, 1 of them had no price; 1 stay the same; \
                       1 are kept (1 stated by the provider). The sum was $1.000000012 and would be $6.000000012. \
                       Nothing was written, because of --dry-run.";
        assert_eq!(text.lines().last(), Some(summary));
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!((&json["changed"], &json["models"][0]["newly_priced"]), (&2.into(), &1.into()));
    }

    #[test]
    fn lists_a_bounded_number_of_models() {
        let mut report = report(false);
        for model in 0..=MAX_MODELS + 5 {
            report.add(&row(&model.to_string(), Some(1)), &NewCost::Same);
        }
        assert_eq!(report.models.len(), MAX_MODELS + 1);
        assert_eq!(report.models[&("*".to_owned(), FURTHER.to_owned())].usages, 6);
    }
}
