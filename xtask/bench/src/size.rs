//! Measures the start time and the size of the binary.

use super::Options;
use super::figure::{Figure, Goal, Spread};
use super::gateway::{Gateway, Mode};
use super::lab::Lab;
use super::report::Report;
use super::target::RELAY;
use super::{nginx, target};
use anyhow::Result;

/// Measures the time until the gateway is ready, and the size of its binary.
pub(super) fn measure(lab: &Lab, options: &Options, report: &mut Report) -> Result<()> {
    let name = "start until ready";
    if options.includes(name) {
        let (mut gateway_times, mut nginx_times) = (Vec::new(), Vec::new());
        for _ in 0..options.runs() {
            gateway_times.push(Gateway::new(Mode::Relay).start(lab)?.ready_after.as_secs_f64() * 1e3);
            nginx_times.extend(nginx::start(lab)?.map(|nginx| nginx.ready_after.as_secs_f64() * 1e3));
        }
        let mut values = vec![(RELAY, Spread::of(gateway_times))];
        if !nginx_times.is_empty() {
            values.push((target::NGINX, Spread::of(nginx_times)));
        }
        report.push(Figure { name: name.into(), unit: "ms", values, base: None, goal: Goal::AtMost(50.0) });
    }
    let name = "binary";
    if options.includes(name) {
        let bytes = std::fs::metadata(lab.gateway_binary())?.len() as f64;
        let values = vec![(RELAY, Spread::of(vec![bytes / 1024.0 / 1024.0]))];
        report.push(Figure { name: name.into(), unit: "MiB", values, base: None, goal: Goal::AtMost(30.0) });
    }
    Ok(())
}
