//! The result of a fault, and the table of all results.

use super::faults::Fault;
use super::scene::{Figures, Level, StoreKind};
use aibridge_chaos_checker::Comparison;
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeMap;
use std::time::Duration;

/// The results of one fault with one database and level, over all its scenes.
pub(super) struct Run {
    fault: Fault,
    store: StoreKind,
    level: Level,
    seed: u64,
    figures: Figures,
    comparison: Comparison,
    /// The reason why the run ended early.
    stopped: Option<String>,
}

impl Run {
    pub(super) fn new(fault: Fault, store: StoreKind, level: Level, seed: u64) -> Self {
        let (figures, comparison) = (Figures::default(), Comparison::default());
        Self { fault, store, level, seed, figures, comparison, stopped: None }
    }

    /// Adds the result of a scene.
    pub(super) fn add(&mut self, may_refuse: bool, mut figures: Figures, mut comparison: Comparison) {
        if !may_refuse && comparison.refused() > 0 {
            let refusals = format!("{:?}", comparison.refusals);
            comparison.add("refused needlessly", || refusals);
        }
        for promise in figures.broken.drain(..) {
            comparison.add("broken promise", || promise);
        }
        if comparison.whole == 0 {
            comparison.add("no load", || "no client received a whole response".to_owned());
        }
        if comparison.lost <= figures.loss_allowed && comparison.lost > 0 {
            figures.notes.push(format!("{} lost, as the damage explains", comparison.lost));
            // The parts of the lost record may also look incomplete or unrecorded.
            for kind in ["lost", "incomplete", "unrecorded"] {
                comparison.violations.remove(kind);
            }
        }
        self.figures.merge(figures);
        self.comparison.merge(comparison);
    }

    /// Ends the run with a defect.
    pub(super) fn stop(&mut self, reason: String) {
        self.stopped = Some(reason);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    fn is_broken(&self) -> bool {
        self.is_stopped() || !self.comparison.violations.is_empty()
    }

    /// Prints the result in one line, and every violation.
    pub(super) fn print_progress(&self) {
        let result = if self.is_broken() { "FAILED" } else { "ok" };
        let (whole, sent) = (self.comparison.whole, self.comparison.sent);
        println!(
            "{result:<6} {}: {whole} of {sent} responses whole, {} rows",
            self.name(),
            self.comparison.rows
        );
        for note in &self.figures.notes {
            println!("         {note}");
        }
        for (kind, (count, examples)) in &self.comparison.violations {
            println!("       {kind}: {count}");
            examples.iter().for_each(|example| println!("         {example:.400}"));
        }
        if let Some(reason) = &self.stopped {
            println!("       stopped: {reason}");
        }
    }

    fn name(&self) -> String {
        format!("{} {} {}", value_name(self.fault), value_name(self.store), value_name(self.level))
    }

    fn row(&self) -> [String; 16] {
        let (figures, comparison) = (&self.figures, &self.comparison);
        let milliseconds = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1e3);
        [
            value_name(self.fault),
            value_name(self.store),
            value_name(self.level),
            self.seed.to_string(),
            figures.kills.to_string(),
            comparison.whole.to_string(),
            comparison.rows.to_string(),
            comparison.lost.to_string(),
            comparison.doubled.to_string(),
            comparison.refused().to_string(),
            comparison.unrecorded.to_string(),
            comparison.crashed.to_string(),
            figures.starts.iter().max().copied().map(milliseconds).unwrap_or_default(),
            figures.catch_up.map(|rate| format!("{rate:.0}")).unwrap_or_default(),
            figures.p99.map(milliseconds).unwrap_or_default(),
            if self.is_broken() { "FAILED".to_owned() } else { "ok".to_owned() },
        ]
    }
}

impl Figures {
    fn merge(&mut self, other: Self) {
        self.kills += other.kills;
        self.starts.extend(other.starts);
        self.catch_up = match (self.catch_up, other.catch_up) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        self.p99 = self.p99.max(other.p99);
        self.notes.extend(other.notes);
    }
}

/// The results of all faults.
#[derive(Default)]
pub(super) struct Report {
    runs: Vec<Run>,
}

/// The columns of the table.
const COLUMNS: [&str; 16] = [
    "fault",
    "store",
    "level",
    "seed",
    "kills",
    "whole",
    "rows",
    "lost",
    "doubled",
    "refused",
    "unrecorded",
    "crashed",
    "start ms",
    "catch-up/s",
    "p99 ms",
    "result",
];

impl Report {
    pub(super) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// The number of runs with a broken promise.
    pub(super) fn count_broken(&self) -> usize {
        self.runs.iter().filter(|run| run.is_broken()).count()
    }

    pub(super) fn print(&self) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(COLUMNS);
        for column in table.column_iter_mut().skip(3).take(12) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for run in &self.runs {
            table.add_row(run.row());
        }
        println!("\n{table}");
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, (count, _)) in self.runs.iter().flat_map(|run| &run.comparison.violations) {
            *kinds.entry(kind).or_default() += count;
        }
        let with_row: usize = self.runs.iter().map(|run| run.comparison.refused_with_row).sum();
        let ends_cut: usize = self.runs.iter().map(|run| run.comparison.ends_cut).sum();
        if ends_cut > 0 {
            println!(
                "\n{ends_cut} responses were held and then cut, because their ends could not be recorded"
            );
        }
        if with_row > 0 {
            println!("\n{with_row} refused requests have a row");
        }
        kinds.iter().for_each(|(kind, count)| println!("{kind}: {count}"));
    }
}

/// The name of a value on the command line.
fn value_name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
