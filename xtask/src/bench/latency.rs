use super::Options;
use super::figure::{Figure, Goal, Spread};
use super::lab::Lab;
use super::report::Report;
use super::target::Target;
use anyhow::{Context, Result};
use serde_json::Value;

const RATE: u32 = 200;

/// What a figure is called, which time it is, and how high it may be.
type Time = (&'static str, &'static str, &'static str, Goal);

const BLOCKING: [Time; 2] = [
    ("added latency p50", "latency_us", "p50", Goal::AtMost(150.0)),
    ("added latency p99", "latency_us", "p99", Goal::AtMost(1000.0)),
];
const STREAM: [Time; 1] = [("added time to first byte p50", "first_byte_us", "p50", Goal::Ratio(1.0))];

/// What each target adds to the time of an answer at a rate that leaves its core idle most of the time.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    for (request, times) in
        [(&["--size=1000"][..], &BLOCKING[..]), (&["--size=1000", "--events=20"], &STREAM)]
    {
        let times: Vec<&Time> = times.iter().filter(|(name, ..)| options.wants(name)).collect();
        if !times.is_empty() {
            added(lab, options, report, request, &times)?;
        }
    }
    Ok(())
}

fn added(lab: &Lab, options: &Options, report: &mut Report, request: &[&str], times: &[&Time]) -> Result<()> {
    let targets = lab.targets()?;
    let mut seen = vec![Vec::new(); targets.len()];
    for _ in 0..options.runs() {
        for (target, seen) in targets.iter().zip(&mut seen) {
            seen.push(run(lab, options, target, request)?);
        }
    }
    let (direct, others) = seen.split_first().context("no target")?;
    for (name, time, quantile, goal) in times {
        let of =
            |seen: &Value| seen[time][quantile].as_f64().with_context(|| format!("no {quantile} in {seen}"));
        let mut values = Vec::new();
        for (target, seen) in targets.iter().skip(1).zip(others) {
            let added = seen.iter().zip(direct).map(|(seen, direct)| Ok(of(seen)? - of(direct)?));
            values.push((target.name, Spread::of(added.collect::<Result<_>>()?)));
        }
        report.push(Figure { name: format!("{name} at {RATE}/s"), unit: "us", values, goal: *goal });
    }
    Ok(())
}

/// Long enough for a p99 that is more than the worst few.
fn run(lab: &Lab, options: &Options, target: &Target, request: &[&str]) -> Result<Value> {
    let seconds = options.window().as_secs_f64() * 5.0;
    let mut arguments: Vec<String> = request.iter().map(ToString::to_string).collect();
    arguments.extend(["--mode=open".into(), format!("--rate={RATE}"), "--connections=16".into()]);
    arguments.push(format!("--seconds={seconds}"));
    lab.load(target, &arguments)
}
