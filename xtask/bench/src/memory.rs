//! Measures resident memory, idle and with open streams.

use super::Options;
use super::figure::{Figure, Goal, Spread};
use super::lab::Lab;
use super::process::open_files;
use super::report::Report;
use super::target::{DIRECT, Target};
use super::targets;
use anyhow::Result;
use std::collections::BTreeMap;

const MIB: f64 = 1024.0 * 1024.0;

/// The values of each run, by target.
type Runs = BTreeMap<&'static str, Vec<f64>>;

/// Measures resident memory after the start, and the memory that each open stream adds. Each count uses new processes,
/// because a process does not always return memory.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    let counts: [usize; 2] = if options.smoke { [10, 50] } else { [500, 5_000] };
    for (index, count) in counts.into_iter().enumerate() {
        let name = format!("memory per open stream, {count} open");
        let idle_name = "memory idle";
        let wants_idle = index == 0 && options.includes(idle_name);
        if !wants_idle && !options.includes(&name) {
            continue;
        }
        if !fits(count) {
            continue;
        }
        let (mut idle, mut each) = (Runs::new(), Runs::new());
        for _ in 0..options.runs() {
            for target in targets::start(lab)?.into_iter().filter(|target| target.name != DIRECT) {
                let before = target.resident()?;
                let added = resident_with_streams(lab, &target, count)?.saturating_sub(before);
                idle.entry(target.name).or_default().push(before as f64 / MIB);
                each.entry(target.name).or_default().push(added as f64 / count as f64 / 1024.0);
            }
        }
        let mut add = |name: String, unit, runs: Runs, goal| {
            let values = runs.into_iter().map(|(target, runs)| (target, Spread::of(runs))).collect();
            report.push(Figure { name, unit, values, base: None, goal: Goal::AtMost(goal) });
        };
        if wants_idle {
            add(idle_name.into(), "MiB", idle, 25.0);
        }
        add(name, "KiB", each, 48.0);
    }
    Ok(())
}

/// Returns the resident memory while `count` slow streams are open, in bytes.
fn resident_with_streams(lab: &Lab, target: &Target, count: usize) -> Result<u64> {
    let stream = ["--mode=hold", "--events=1000000", "--pace-us=1000000"].map(String::from);
    let mut clients = lab.clients(target, &[&stream[..], &[format!("--connections={count}")]].concat())?;
    clients.line()?;
    target.resident()
}

/// Whether the limit on open files allows `count` streams, each with a connection on both sides. Prints a line if not.
pub(super) fn fits(count: usize) -> bool {
    /// Files that a process has open for other purposes.
    const OTHERS: u64 = 500;
    let needed = count as u64 * 2 + OTHERS;
    let fits = open_files().is_none_or(|most| most >= needed);
    if !fits {
        println!(
            "{count} open streams are left out: a process would need {needed} open files (`ulimit -Hn`)"
        );
    }
    fits
}
