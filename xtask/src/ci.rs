//! `cargo xtask ci`: one step after the other; the first failure ends it.

mod edges;
mod language;
mod links;
mod look;
mod modules;
mod step;
mod top_level;

use anyhow::{Result, bail, ensure};
use clap::Args;
use step::Step;

#[derive(Args)]
pub(crate) struct Options {
    /// Do this step alone; any other word lists them.
    #[arg(long, value_name = "STEP")]
    only: Option<String>,
}

/// Runs every check. A continuous integration reads its exit code and the line that it ends with.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = chosen(options.only.as_deref())?;
    let mut passed = 0;
    for step in steps {
        match step.run() {
            Ok(checks) => passed += checks,
            Err(error) => {
                println!("{error:#}\n\nto repeat this step: {}\n\n{passed} passed, 1 failed", step.repeat());
                bail!("the step `{}` failed", step.name);
            }
        }
    }
    println!("\n{passed} passed, 0 failed");
    Ok(())
}

fn chosen(only: Option<&str>) -> Result<Vec<Step>> {
    let Some(only) = only else { return Ok(steps()) };
    let chosen: Vec<Step> = steps().into_iter().chain(upcoming()).filter(|step| step.name == only).collect();
    let names = || steps().iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    ensure!(!chosen.is_empty(), "there is no step {only:?}; the steps are {}", names());
    Ok(chosen)
}

/// Steps that do not pass yet, and run only by name.
fn upcoming() -> Vec<Step> {
    vec![Step::check("modules", modules::check), Step::check("language", language::check)]
}

fn steps() -> Vec<Step> {
    vec![
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::check("edges", edges::check),
        Step::check("top-level", top_level::check),
        Step::check("links", links::check),
        Step::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::cargo("docs", &["doc", "--workspace", "--no-deps"]).with_env("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests", &["test", "--workspace", "--no-fail-fast"]).looking(look::at_tests),
        Step::cargo("demo", &["xtask", "demo"]).looking(look::at_demo).aloud(),
        Step::cargo("bench", &["xtask", "bench", "--smoke"]).looking(look::at_bench).aloud(),
        Step::cargo("e2e", &["xtask", "e2e"]).looking(look::at_e2e).aloud(),
    ]
}
