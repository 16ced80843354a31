//! Counts the instructions of single operations under callgrind.

use super::{Options, build};
use aibridge_workspace::output;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// The number of repetitions of an operation in one run.
const REPETITIONS: u64 = 100;

/// Prints the instructions of each operation.
pub(super) fn run(options: &Options) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("bench: left out, valgrind is not installed (`apt-get install valgrind`)");
        return Ok(());
    }
    let directory = build(&["--package=aibridge-traffic", "--example=operations"], options.profile())?;
    let binary = directory.join("examples/operations");
    let names = output(Command::new(&binary).arg("list"))?;
    println!("| operation | instructions |\n| --- | --- |");
    for name in names.lines().filter(|name| options.includes(name)) {
        println!("| {name} | {} |", instructions(&binary, name)? / REPETITIONS);
    }
    Ok(())
}

/// Returns the instructions of all repetitions, without their preparation.
fn instructions(binary: &Path, name: &str) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--toggle-collect=operations::repeated",
    ]);
    let result = command.arg(binary).args([name, &REPETITIONS.to_string()]).output()?;
    let output = String::from_utf8_lossy(&result.stderr);
    ensure!(result.status.success(), "{output}");
    let collected = output
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .context("callgrind counted nothing")?;
    Ok(collected.1.trim().parse()?)
}
