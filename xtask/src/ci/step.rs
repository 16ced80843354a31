use crate::workspace::cargo;
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
    look: fn(&str) -> Result<Passed>,
    /// Whether its output is shown as it comes, not only when it fails.
    aloud: bool,
}

/// What a step that did not fail has done.
pub(super) enum Passed {
    /// So many single checks passed.
    Checks(usize),
    /// The machine lacks what it needs; it has said what.
    LeftOut,
}

impl Step {
    /// A cargo command that must succeed, which is one check.
    pub(super) fn cargo(name: &'static str, arguments: &[&'static str]) -> Self {
        let look = |_: &str| Ok(Passed::Checks(1));
        Self {
            name,
            work: Work::Cargo(Cargo {
                arguments: arguments.to_vec(),
                environment: Vec::new(),
                look,
                aloud: false,
            }),
        }
    }

    /// A function that counts what it checked.
    pub(super) fn check(name: &'static str, check: fn() -> Result<usize>) -> Self {
        Self { name, work: Work::Check(check) }
    }

    /// Sets an environment variable of the command.
    pub(super) fn with_env(self, name: &'static str, value: &'static str) -> Self {
        self.changed(|cargo| cargo.environment.push((name, value)))
    }

    /// Looks at the command's standard output, too.
    pub(super) fn looking(self, look: fn(&str) -> Result<Passed>) -> Self {
        self.changed(|cargo| cargo.look = look)
    }

    /// Shows the command's output as it comes.
    pub(super) fn aloud(self) -> Self {
        self.changed(|cargo| cargo.aloud = true)
    }

    fn changed(mut self, change: impl FnOnce(&mut Cargo)) -> Self {
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

    /// Does it, prints one line about it, and says how many checks it was.
    ///
    /// # Errors
    ///
    /// What the step printed or found wrong.
    pub(super) fn run(&self) -> Result<usize> {
        let started = Instant::now();
        print!("{:<10} ", self.name);
        std::io::stdout().flush()?;
        let done = match &self.work {
            Work::Check(check) => check().map(Passed::Checks),
            Work::Cargo(cargo) if cargo.aloud => {
                println!();
                let done = cargo.run();
                print!("{:<10} ", self.name);
                done
            }
            Work::Cargo(cargo) => cargo.run(),
        };
        let (verdict, checks) = match &done {
            Ok(Passed::Checks(checks)) => ("ok", *checks),
            Ok(Passed::LeftOut) => ("left out", 0),
            Err(_) => ("FAILED", 0),
        };
        println!("{verdict:<8} {:>7.1} s {checks:>6} checked", started.elapsed().as_secs_f64());
        done.map(|_| checks)
    }
}

impl Cargo {
    fn run(&self) -> Result<Passed> {
        let mut command = cargo();
        command.args(&self.arguments).envs(self.environment.iter().copied()).stdin(Stdio::null());
        if self.aloud { heard(&mut command) } else { quiet(&mut command) }.and_then(|text| (self.look)(&text))
    }
}

/// Runs `command` and returns its standard output; if it fails, everything it printed is the error.
fn quiet(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{}{text}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}

/// Runs `command`, shows its output as it comes, and returns what of that was standard output.
fn heard(command: &mut Command) -> Result<String> {
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
    fn a_step_can_be_repeated() {
        let step = Step::cargo("docs", &["doc", "--no-deps"]).with_env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(step.repeat(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        assert_eq!(Step::check("edges", || Ok(1)).repeat(), "cargo xtask ci --only edges");
    }

    #[test]
    fn a_failed_command_tells_all_it_printed() {
        let error = |run: fn(&mut Command) -> Result<String>| {
            let mut command = Command::new("sh");
            run(command.args(["-c", "echo said; echo moaned >&2; exit 3"])).map_err(|error| error.to_string())
        };
        assert_eq!(error(quiet), Err("moaned\nsaid\n".to_owned()));
        assert!(error(heard).is_err_and(|error| error.contains("exit status: 3")));
    }
}
