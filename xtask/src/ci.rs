//! `cargo xtask ci`: runs the checks in order and ends at the first failure.

mod assets;
mod crate_sizes;
mod edges;
mod language;
mod limits;
mod links;
mod modules;
mod outputs;
mod step;
mod top_level;

use anyhow::{Result, bail, ensure};
use clap::Args;
use step::Step;

#[derive(Args)]
pub(crate) struct Options {
    /// Runs this step alone; an unknown name lists the steps.
    #[arg(long, value_name = "STEP")]
    only: Option<String>,
}

/// Runs every check. The last line has the number of passed and failed checks.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = select(options.only.as_deref())?;
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

fn select(only: Option<&str>) -> Result<Vec<Step>> {
    let Some(only) = only else { return Ok(steps()) };
    let selected: Vec<Step> = steps().into_iter().filter(|step| step.name == only).collect();
    let names = || steps().iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    ensure!(!selected.is_empty(), "there is no step {only:?}; the steps are {}", names());
    Ok(selected)
}

fn steps() -> Vec<Step> {
    vec![
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::check("edges", edges::check),
        Step::check("assets", assets::check),
        Step::check("top-level", top_level::check),
        Step::check("links", links::check),
        Step::check("limits", limits::check),
        Step::check("modules", modules::check),
        Step::check("sizes", crate_sizes::check),
        Step::check("language", language::check),
        Step::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::cargo("docs", &["doc", "--workspace", "--no-deps"]).with_env("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests", &["test", "--workspace", "--no-fail-fast"])
            .with_output_check(outputs::check_tests),
        Step::cargo("demo", &["xtask", "demo"]).with_output_check(outputs::check_demo).with_live_output(),
        Step::cargo("bench", &["xtask", "bench", "--smoke"])
            .with_output_check(outputs::check_bench)
            .with_live_output(),
        Step::cargo("chaos", &["xtask", "chaos", "--short"])
            .with_output_check(outputs::check_chaos)
            .with_live_output(),
        Step::cargo("e2e", &["xtask", "e2e"]).with_output_check(outputs::check_e2e).with_live_output(),
    ]
}
