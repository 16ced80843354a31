//! Both ends of a measurement: a provider that answers at once, and clients. `cargo xtask bench` runs it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool talks to the one that runs it, and takes the time of the machine"
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
    /// Answers every request at once; prints its address first.
    Provider,
    /// Sends requests; prints what came of it as JSON.
    Load(load::Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().part {
        Part::Provider => provider::run(),
        Part::Load(options) => load::run(&options),
    }
}
