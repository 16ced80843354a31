//! `cargo xtask bench`: measures the cost of the gateway and compares it with nginx as a plain proxy.
//!
//! It has no example, because the command is the only use of this crate: `cargo xtask bench --smoke` shows it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a developer's tool uses its terminal, its environment and the wall clock"
)]

mod case;
mod figure;
mod gateway;
mod growth;
mod instructions;
mod lab;
mod latency;
mod memory;
mod nginx;
mod process;
mod report;
mod size;
mod target;
mod targets;
mod throughput;

use aibridge_workspace::{Workspace, cargo, output};
use anyhow::{Result, ensure};
use clap::Args;
use lab::Lab;
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// The options of the command.
#[derive(Args)]
pub struct Options {
    /// Runs everything once, briefly, with a debug build: shows that the bench works. The figures mean nothing.
    #[arg(long)]
    smoke: bool,
    /// Measures only the figures whose name contains this text.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// The number of measurements of each figure.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Prints Markdown, as in docs/performance.md.
    #[arg(long)]
    markdown: bool,
    /// Measures the growth of the cost with size, messages, tools, keys, stored records and open streams instead.
    #[arg(long)]
    growth: bool,
    /// Counts the instructions of the operations of each request and event with valgrind instead.
    #[arg(long, conflicts_with = "growth")]
    instructions: bool,
}

impl Options {
    /// The duration of one measurement.
    fn window(&self) -> Duration {
        Duration::from_millis(if self.smoke { 30 } else { 600 })
    }

    /// The cargo profile; a smoke run does not wait for the optimiser.
    fn profile(&self) -> &'static str {
        if self.smoke { "dev" } else { "release" }
    }

    fn runs(&self) -> u32 {
        if self.smoke { 1 } else { self.runs }
    }

    fn includes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }
}

/// Measures, prints a table, and writes the same figures as JSON to `target/bench/`.
///
/// # Errors
///
/// If a build, a target or a measurement fails, or no figure has the name in the options.
pub fn run(options: &Options) -> Result<()> {
    if options.instructions {
        return instructions::run(options);
    }
    let lab = Lab::set_up(options)?;
    let (report, file) = if options.growth {
        (growth::measure(&lab, options)?, "growth.json")
    } else {
        (measure(&lab, options)?, "bench.json")
    };
    ensure!(
        !report.is_empty(),
        "no figure has that name; run `cargo xtask bench` without --only to list the names"
    );
    report.print(options.markdown);
    let file = lab.directory().join(file);
    std::fs::write(&file, report.to_json().to_string())?;
    println!("\nbench: {} figures, also in {}", report.len(), file.display());
    Ok(())
}

fn measure(lab: &Lab, options: &Options) -> Result<Report> {
    if nginx::installed().is_none() {
        println!(
            "nginx is not installed, so the figures have no comparison; install it with `apt-get install nginx-light`"
        );
    }
    let mut report = Report::default();
    throughput::measure(lab, options, &mut report)?;
    latency::measure(lab, options, &mut report)?;
    memory::measure(lab, options, &mut report)?;
    size::measure(lab, options, &mut report)?;
    Ok(report)
}

/// Builds the targets that `arguments` select, and returns the directory of the binaries.
fn build(arguments: &[&str], profile: &str) -> Result<PathBuf> {
    output(cargo().args(["build", "--quiet", "--profile", profile]).args(arguments))?;
    Ok(Workspace::load()?.target.join(if profile == "dev" { "debug" } else { profile }))
}
