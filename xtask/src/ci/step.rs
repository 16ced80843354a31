//! One step of `cargo xtask ci`: a cargo command or a check in this crate.

use aibridge_workspace::cargo;
use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A step of `cargo xtask ci`.
pub(super) struct Step {
    pub(super) name: &'static str,
    work: Work,
}

enum Work {
    Cargo(Cargo),
    Check(fn() -> Result<usize>),
}

/// A cargo command that must succeed.
struct Cargo {
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
    check_output: fn(&str) -> Result<Outcome>,
    /// Whether the output is shown while the command runs, not only if it fails.
    live: bool,
}

/// The outcome of a step that did not fail.
pub(super) enum Outcome {
    /// The number of checks that passed.
    Passed(usize),
    /// The step did not run, because the machine lacks a program. The output names it.
    Skipped,
}

impl Step {
    /// A cargo command that must succeed. It counts as one check.
    pub(super) fn cargo(name: &'static str, arguments: &[&'static str]) -> Self {
        let check_output = |_: &str| Ok(Outcome::Passed(1));
        Self {
            name,
            work: Work::Cargo(Cargo {
                arguments: arguments.to_vec(),
                environment: Vec::new(),
                check_output,
                live: false,
            }),
        }
    }

    /// A function that returns the number of its checks.
    pub(super) fn check(name: &'static str, check: fn() -> Result<usize>) -> Self {
        Self { name, work: Work::Check(check) }
    }

    /// Sets an environment variable of the command.
    pub(super) fn with_env(self, name: &'static str, value: &'static str) -> Self {
        self.with_cargo(|cargo| cargo.environment.push((name, value)))
    }

    /// Checks the standard output of the command, too.
    pub(super) fn with_output_check(self, check_output: fn(&str) -> Result<Outcome>) -> Self {
        self.with_cargo(|cargo| cargo.check_output = check_output)
    }

    /// Shows the output of the command while it runs.
    pub(super) fn with_live_output(self) -> Self {
        self.with_cargo(|cargo| cargo.live = true)
    }

    fn with_cargo(mut self, change: impl FnOnce(&mut Cargo)) -> Self {
        if let Work::Cargo(cargo) = &mut self.work {
            change(cargo);
        }
        self
    }

    /// The command that repeats this step alone.
    pub(super) fn repeat(&self) -> String {
        match &self.work {
            Work::Cargo(Cargo { arguments, environment, .. }) => {
                let variables = environment.iter().map(|(name, value)| format!("{name}='{value}' "));
                format!("{}cargo {}", variables.collect::<String>(), arguments.join(" "))
            }
            Work::Check(_) => format!("cargo xtask ci --only {}", self.name),
        }
    }

    /// Runs the step, prints one line with its result, and returns the number of checks.
    ///
    /// # Errors
    ///
    /// The output of the command, or the defects that the check found.
    pub(super) fn run(&self) -> Result<usize> {
        let started = Instant::now();
        print!("{:<10} ", self.name);
        std::io::stdout().flush()?;
        let outcome = match &self.work {
            Work::Check(check) => check().map(Outcome::Passed),
            Work::Cargo(cargo) if cargo.live => {
                println!();
                let outcome = cargo.run();
                print!("{:<10} ", self.name);
                outcome
            }
            Work::Cargo(cargo) => cargo.run(),
        };
        let (label, checks) = match &outcome {
            Ok(Outcome::Passed(checks)) => ("ok", *checks),
            Ok(Outcome::Skipped) => ("left out", 0),
            Err(_) => ("FAILED", 0),
        };
        println!("{label:<8} {:>7.1} s {checks:>6} checked", started.elapsed().as_secs_f64());
        outcome.map(|_| checks)
    }
}

impl Cargo {
    fn run(&self) -> Result<Outcome> {
        let mut command = cargo();
        command.args(&self.arguments).envs(self.environment.iter().copied()).stdin(Stdio::null());
        let output = if self.live { run_live(&mut command) } else { run_quietly(&mut command) };
        (self.check_output)(&output?)
    }
}

/// Runs `command` and returns its standard output. If it fails, the error holds everything that it printed.
fn run_quietly(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{}{text}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}

/// Runs `command`, shows its output while it runs, and returns its standard output.
fn run_live(command: &mut Command) -> Result<String> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut stdout = child.stdout.take().context("its output is piped")?;
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while let read @ 1.. = stdout.read(&mut piece)? {
        std::io::stdout().write_all(&piece[..read])?;
        std::io::stdout().flush()?;
        text.extend_from_slice(&piece[..read]);
    }
    let status = child.wait()?;
    ensure!(status.success(), "it failed with {status}");
    Ok(String::from_utf8(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_command_that_repeats_a_step() {
        let step = Step::cargo("docs", &["doc", "--no-deps"]).with_env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(step.repeat(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        assert_eq!(Step::check("edges", || Ok(1)).repeat(), "cargo xtask ci --only edges");
    }

    #[test]
    fn the_error_of_a_failed_command_holds_its_output() {
        let error = |run: fn(&mut Command) -> Result<String>| {
            let mut command = Command::new("sh");
            run(command.args(["-c", "echo output; echo warning >&2; exit 3"]))
                .map_err(|error| error.to_string())
        };
        assert_eq!(error(run_quietly), Err("warning\noutput\n".to_owned()));
        assert!(error(run_live).is_err_and(|error| error.contains("exit status: 3")));
    }
}
