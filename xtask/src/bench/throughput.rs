//! Measures CPU time for each request or event, and rates.

use super::case::Case;
use super::figure::{Figure, Goal, Spread};
use super::lab::Lab;
use super::report::Report;
use super::target::{DIRECT, NGINX_IN_MEMORY, Target};
use super::{Options, nginx, targets};
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// The result of one run.
struct Run {
    /// CPU time of the target for each unit, in microseconds.
    cpu: f64,
    /// Units for each second.
    rate: f64,
}

/// Measures the CPU time of each request or event, and the rate on one core.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| options.includes(&case.name())).collect();
    if cases.is_empty() {
        return Ok(());
    }
    let mut all = targets::start(lab)?;
    all.extend(nginx::start_in_memory(lab)?);
    for case in cases {
        let targets: Vec<_> =
            all.iter().filter(|target| target.name != NGINX_IN_MEMORY || case.is_large()).collect();
        let mut runs: BTreeMap<&str, Vec<Run>> = BTreeMap::new();
        // The targets alternate, so that disturbances of the machine affect all of them.
        for _ in 0..options.runs() {
            for target in targets.iter().filter(|target| case.is_unpaced() || target.name != DIRECT) {
                runs.entry(target.name).or_default().push(run(lab, options, target, &case)?);
            }
        }
        let spread = |of: fn(&Run) -> f64, except: &str| {
            let named = targets.iter().map(|target| target.name).filter(|name| *name != except);
            named.map(|name| (name, Spread::of(runs[name].iter().map(of).collect()))).collect()
        };
        let (unit, _) = case.unit();
        report.push(Figure {
            name: case.name(),
            unit: if unit == "event" { "CPU us/event" } else { "CPU us/request" },
            values: spread(|run| run.cpu, DIRECT),
            goal: case.goal,
        });
        if case.is_unpaced() {
            report.push(Figure {
                name: case.name(),
                unit: if unit == "event" { "events/s" } else { "requests/s" },
                values: spread(|run| run.rate, ""),
                goal: Goal::None,
            });
        }
    }
    Ok(())
}

fn run(lab: &Lab, options: &Options, target: &Target, case: &Case) -> Result<Run> {
    let (result, used) = lab.load_and_cpu(target, &case.arguments(options.window(), options.smoke))?;
    let number = |name: &str| result[name].as_f64().with_context(|| format!("no {name} in {result}"));
    let units = number("requests")? * case.unit().1 as f64;
    Ok(Run { cpu: used.as_secs_f64() * 1e6 / units, rate: units / number("seconds")? })
}
