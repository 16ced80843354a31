//! `cargo xtask`: the only task runner of this repository, one file per command.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a developer's tool uses its terminal, its environment and the wall clock"
)]

mod ci;
mod e2e;
mod fuzz;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measures the cost of the gateway and compares it with nginx as a plain proxy.
    Bench(aibridge_bench::Options),
    /// Injects faults into the real binary under load, and compares its records with what clients received.
    Chaos(aibridge_chaos::Options),
    /// Runs every check: format, structure, language, lints, docs, tests, demo, bench smoke run, chaos, e2e.
    Ci(ci::Options),
    /// Sends three requests through the gateway and prints its records; needs no API key and no network.
    Demo(aibridge_demo::Options),
    /// Runs the official SDKs and coding agents directly and through the gateway, and the dashboard in a browser.
    E2e(e2e::Options),
    /// Runs the fuzz targets of the parsers; needs cargo-fuzz.
    Fuzz(fuzz::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Bench(options) => aibridge_bench::run(&options),
        Task::Chaos(options) => aibridge_chaos::run(&options).await,
        Task::Ci(options) => ci::run(&options),
        Task::Demo(options) => aibridge_demo::run(&options, &mut std::io::stdout()).await,
        Task::E2e(options) => e2e::run(&options).await,
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
