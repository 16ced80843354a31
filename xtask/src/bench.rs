//! `cargo xtask bench`: what the gateway costs, beside nginx that relays the same traffic unread.

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
mod throughput;

use crate::workspace::{Workspace, cargo, output};
use anyhow::{Result, ensure};
use clap::Args;
use lab::Lab;
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Options {
    /// As short as it can be, and not optimised: shows that the bench works; its figures mean nothing.
    #[arg(long)]
    smoke: bool,
    /// Only the figures whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// How often each figure is taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Prints Markdown, as it stands in docs/performance.md.
    #[arg(long)]
    markdown: bool,
    /// Instead: how the cost grows with size, messages, tools, keys, stored records and open streams.
    #[arg(long)]
    growth: bool,
    /// Instead: instructions per operation of what runs for each request and event, counted by valgrind.
    #[arg(long, conflicts_with = "growth")]
    instructions: bool,
}

impl Options {
    /// How long one measurement lasts.
    fn window(&self) -> Duration {
        Duration::from_millis(if self.smoke { 30 } else { 600 })
    }

    /// Who only wants to see it work need not wait for the optimiser.
    fn profile(&self) -> &'static str {
        if self.smoke { "dev" } else { "release" }
    }

    fn runs(&self) -> u32 {
        if self.smoke { 1 } else { self.runs }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }
}

/// Measures and prints a table; the same as JSON goes to `target/bench/`.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.instructions {
        return instructions::run(options);
    }
    let lab = Lab::set_up(options)?;
    let (report, file) = if options.growth {
        (growth::measure(&lab, options)?, "growth.json")
    } else {
        (measure(&lab, options)?, "bench.json")
    };
    ensure!(!report.is_empty(), "no figure has that name");
    report.print(options.markdown);
    let file = lab.directory().join(file);
    std::fs::write(&file, report.to_json().to_string())?;
    println!("\nbench: {} figures, also in {}", report.len(), file.display());
    Ok(())
}

fn measure(lab: &Lab, options: &Options) -> Result<Report> {
    if nginx::installed().is_none() {
        println!("nginx is not installed (`apt-get install nginx-light`): there is nothing to compare with");
    }
    let mut report = Report::default();
    throughput::measure(lab, options, &mut report)?;
    latency::measure(lab, options, &mut report)?;
    memory::measure(lab, options, &mut report)?;
    size::measure(lab, options, &mut report)?;
    Ok(report)
}

/// Builds what `arguments` say, and gives the directory in which it is then.
fn build(arguments: &[&str], profile: &str) -> Result<PathBuf> {
    output(cargo().args(["build", "--quiet", "--profile", profile]).args(arguments))?;
    Ok(Workspace::load()?.target.join(if profile == "dev" { "debug" } else { profile }))
}
