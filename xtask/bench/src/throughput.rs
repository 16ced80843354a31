//! Measures CPU time for each request or event, and rates.

use super::case::Case;
use super::figure::{Figure, Goal, Spread};
use super::lab::Lab;
use super::report::Report;
use super::target::{DIRECT, NGINX_IN_MEMORY, Target};
use super::{Options, nginx, targets};
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// The runs of one case, by target.
type Runs = BTreeMap<&'static str, Vec<Run>>;

/// The result of one run.
#[derive(Clone)]
struct Run {
    /// CPU time of the target for each unit, in microseconds.
    cpu: f64,
    /// Units for each second.
    rate: f64,
}

/// Measures the CPU time of each request or event, and the rate on one core.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    let mut groups = Case::groups();
    for group in &mut groups {
        group.retain(|case| options.includes(&case.name()));
    }
    groups.retain(|group| !group.is_empty());
    if groups.is_empty() {
        return Ok(());
    }
    let mut targets = targets::start(lab)?;
    targets.extend(nginx::start_in_memory(lab)?);
    for group in groups {
        let mut runs = vec![Runs::new(); group.len()];
        // Targets and dialects alternate, so that disturbances of the machine affect all of them.
        for _ in 0..options.runs() {
            for target in &targets {
                for (case, runs) in group.iter().zip(&mut runs).filter(|(case, _)| applies(case, target)) {
                    runs.entry(target.name).or_default().push(run(lab, options, target, case)?);
                }
            }
        }
        for (case, runs) in group.iter().zip(&runs) {
            add_figures(case, runs, report);
        }
    }
    Ok(())
}

/// Whether `case` is measured with `target`.
fn applies(case: &Case, target: &Target) -> bool {
    match target.name {
        DIRECT => case.is_unpaced(),
        NGINX_IN_MEMORY => case.is_large(),
        _ => true,
    }
}

fn add_figures(case: &Case, runs: &Runs, report: &mut Report) {
    let spread = |of: fn(&Run) -> f64, except: &str| {
        let targets = runs.iter().filter(|(name, _)| **name != except);
        targets.map(|(name, runs)| (*name, Spread::of(runs.iter().map(of).collect()))).collect()
    };
    let (unit, _) = case.unit();
    report.push(Figure {
        name: case.name(),
        unit: if unit == "event" { "CPU us/event" } else { "CPU us/request" },
        values: spread(|run| run.cpu, DIRECT),
        base: case.base(),
        goal: case.goal,
    });
    if case.is_unpaced() {
        report.push(Figure {
            name: case.name(),
            unit: if unit == "event" { "events/s" } else { "requests/s" },
            values: spread(|run| run.rate, ""),
            base: case.base(),
            goal: Goal::None,
        });
    }
}

fn run(lab: &Lab, options: &Options, target: &Target, case: &Case) -> Result<Run> {
    let (result, used) = lab.load_and_cpu(target, &case.arguments(options.window(), options.smoke))?;
    let number = |name: &str| result[name].as_f64().with_context(|| format!("no {name} in {result}"));
    let units = number("requests")? * case.unit().1 as f64;
    Ok(Run { cpu: used.as_secs_f64() * 1e6 / units, rate: units / number("seconds")? })
}
