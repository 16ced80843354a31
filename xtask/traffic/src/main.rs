//! Both ends of a measurement: a provider that responds at once, and clients. `cargo xtask bench` runs it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool prints its results and reads the clock of the system"
)]

mod load;
mod provider;
mod wire;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Responds to every request at once. Prints its address first.
    Provider,
    /// Sends requests and prints the measurements as JSON.
    Load(load::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().part {
        Part::Provider => provider::run(),
        Part::Load(options) => load::run(&options),
    }
}
