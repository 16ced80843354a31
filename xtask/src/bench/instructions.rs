use super::{Options, build};
use crate::workspace::output;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

const REPETITIONS: u64 = 100;

/// Counts instructions per operation under callgrind.
pub(super) fn run(options: &Options) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("bench: left out, valgrind is not installed (`apt-get install valgrind`)");
        return Ok(());
    }
    let built = build(&["--package=aibridge-traffic", "--example=operations"], options.profile())?;
    let binary = built.join("examples/operations");
    let names = output(Command::new(&binary).arg("list"))?;
    println!("| operation | instructions |\n| --- | --- |");
    for name in names.lines().filter(|name| options.wants(name)) {
        println!("| {name} | {} |", instructions(&binary, name)? / REPETITIONS);
    }
    Ok(())
}

/// Of all repetitions, without what prepares them.
fn instructions(binary: &Path, name: &str) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--toggle-collect=operations::repeated",
    ]);
    let ran = command.arg(binary).args([name, &REPETITIONS.to_string()]).output()?;
    let told = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{told}");
    let collected =
        told.lines().find_map(|line| line.split_once("Collected : ")).context("callgrind counted nothing")?;
    Ok(collected.1.trim().parse()?)
}
