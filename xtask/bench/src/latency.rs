//! Measures the latency that each target adds.

use super::Options;
use super::figure::{Figure, Goal, Spread};
use super::lab::Lab;
use super::report::Report;
use super::target::Target;
use super::targets;
use anyhow::{Context, Result};
use serde_json::Value;

/// The request rate, in requests per second.
const RATE: u32 = 200;

/// The name of a figure, the measured time, its quantile and its goal.
type Time = (&'static str, &'static str, &'static str, Goal);

const BLOCKING: [Time; 2] = [
    ("added latency p50", "latency_us", "p50", Goal::Ratio(1.3)),
    ("added latency p99", "latency_us", "p99", Goal::Ratio(1.25)),
];
const STREAM: [Time; 1] = [("added time to first byte p50", "first_byte_us", "p50", Goal::Ratio(1.2))];

/// Measures the time that each target adds to a response, at a rate that leaves its core mostly idle.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    for (request, times) in
        [(&["--size=1000"][..], &BLOCKING[..]), (&["--size=1000", "--events=20"], &STREAM)]
    {
        let times: Vec<&Time> = times.iter().filter(|(name, ..)| options.includes(name)).collect();
        if !times.is_empty() {
            measure_added(lab, options, report, request, &times)?;
        }
    }
    Ok(())
}

fn measure_added(
    lab: &Lab,
    options: &Options,
    report: &mut Report,
    request: &[&str],
    times: &[&Time],
) -> Result<()> {
    let targets = targets::start(lab)?;
    let mut results = vec![Vec::new(); targets.len()];
    for _ in 0..options.runs() {
        for (target, results) in targets.iter().zip(&mut results) {
            results.push(run(lab, options, target, request)?);
        }
    }
    let (direct, others) = results.split_first().context("there is no target")?;
    for (name, time, quantile, goal) in times {
        let value = |result: &Value| {
            result[time][quantile].as_f64().with_context(|| format!("no {quantile} in {result}"))
        };
        let mut values = Vec::new();
        for (target, results) in targets.iter().skip(1).zip(others) {
            let added =
                results.iter().zip(direct).map(|(result, direct)| Ok(value(result)? - value(direct)?));
            values.push((target.name, Spread::of(added.collect::<Result<_>>()?)));
        }
        let name = format!("{name} at {RATE}/s");
        report.push(Figure { name, unit: "us", values, base: None, goal: *goal });
    }
    Ok(())
}

/// Runs for five windows, so that the p99 is based on more than a few requests.
fn run(lab: &Lab, options: &Options, target: &Target, request: &[&str]) -> Result<Value> {
    let seconds = options.window().as_secs_f64() * 5.0;
    let mut arguments: Vec<String> = request.iter().map(ToString::to_string).collect();
    arguments.extend(["--mode=open".into(), format!("--rate={RATE}"), "--connections=16".into()]);
    arguments.push(format!("--seconds={seconds}"));
    lab.load(target, &arguments)
}
