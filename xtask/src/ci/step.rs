use crate::workspace::cargo;
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Instant;

/// A step of `cargo xtask ci`.
pub(super) struct Step {
    pub(super) name: &'static str,
    work: Work,
}

enum Work {
    Cargo { arguments: Vec<&'static str>, environment: Vec<(&'static str, &'static str)> },
    Check(fn() -> Result<usize>),
    Task { command: &'static str, run: fn() -> Running },
}

/// A task that has been started.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<Passed>>>>;

/// What a step that did not fail has done.
pub(super) enum Passed {
    /// So many single checks passed.
    Checks(usize),
    /// The machine lacks what it needs; it has said what.
    LeftOut,
}

impl Step {
    /// A cargo command that must succeed. It is as many checks as it runs tests, or one.
    pub(super) fn cargo(name: &'static str, arguments: &[&'static str]) -> Self {
        Self { name, work: Work::Cargo { arguments: arguments.to_vec(), environment: Vec::new() } }
    }

    /// A function that counts what it checked.
    pub(super) fn check(name: &'static str, check: fn() -> Result<usize>) -> Self {
        Self { name, work: Work::Check(check) }
    }

    /// A task that prints its own story.
    pub(super) fn task(name: &'static str, command: &'static str, run: fn() -> Running) -> Self {
        Self { name, work: Work::Task { command, run } }
    }

    /// Sets environment variables of a cargo command.
    pub(super) fn with_env(mut self, variables: &[(&'static str, &'static str)]) -> Self {
        if let Work::Cargo { environment, .. } = &mut self.work {
            environment.extend(variables);
        }
        self
    }

    /// The command that repeats this step alone.
    pub(super) fn repeat(&self) -> String {
        match &self.work {
            Work::Cargo { arguments, environment } => {
                let variables = environment.iter().map(|(name, value)| format!("{name}='{value}' "));
                format!("{}cargo {}", variables.collect::<String>(), arguments.join(" "))
            }
            Work::Check(_) => "cargo xtask ci".to_owned(),
            Work::Task { command, .. } => (*command).to_owned(),
        }
    }

    /// Does it, and prints one line about it.
    ///
    /// # Errors
    ///
    /// What the step printed or found wrong.
    pub(super) async fn run(&self) -> Result<usize> {
        print!("{:<10} ", self.name);
        std::io::stdout().flush()?;
        let started = Instant::now();
        let done = match &self.work {
            Work::Cargo { arguments, environment } => run_cargo(arguments, environment).map(Passed::Checks),
            Work::Check(check) => check().map(Passed::Checks),
            Work::Task { run, .. } => {
                println!();
                let done = run().await;
                print!("{:<10} ", self.name);
                done
            }
        };
        let (verdict, detail) = match &done {
            Ok(Passed::Checks(checks)) => ("ok", format!("{checks} passed")),
            Ok(Passed::LeftOut) => ("left out", "see above".to_owned()),
            Err(_) => ("FAILED", String::new()),
        };
        println!("{verdict:<9} {:>7.1} s  {detail}", started.elapsed().as_secs_f64());
        Ok(match done? {
            Passed::Checks(checks) => checks,
            Passed::LeftOut => 0,
        })
    }
}

fn run_cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<usize> {
    let mut command = cargo();
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    let output = command.output().context("cannot start cargo")?;
    let text = [String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout)].concat();
    ensure!(output.status.success(), "{text}");
    Ok(passed_tests(&text).max(1))
}

/// The sum over the closing lines of test runners: `test result: ok. 12 passed; 0 failed; …`.
fn passed_tests(text: &str) -> usize {
    let closing = text.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    closing.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_tests_of_all_runners() {
        let text =
            "test result: ok. 12 passed; 0 failed;\nnoise 7 passed\n test result: ok. 3 passed; 0 failed;";
        assert_eq!(passed_tests(text), 15);
        assert_eq!(passed_tests("nothing"), 0);
    }

    #[test]
    fn a_step_can_be_repeated() {
        let step = Step::cargo("docs", &["doc", "--no-deps"]).with_env(&[("RUSTDOCFLAGS", "-D warnings")]);
        assert_eq!(step.repeat(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
