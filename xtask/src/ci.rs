//! `cargo xtask ci`: one step after the other; the first failure ends it.

mod edges;
mod links;
mod smoke;
mod step;
mod top_level;

use crate::e2e;
use anyhow::{Result, bail};
use step::{Passed, Step};

/// Runs every check. What this ends with is what a continuous integration reads.
pub(crate) async fn run() -> Result<()> {
    let mut passed = 0;
    for step in steps() {
        match step.run().await {
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

fn steps() -> Vec<Step> {
    let deny = [("RUSTDOCFLAGS", "-D warnings")];
    vec![
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::check("edges", edges::check),
        Step::check("top level", top_level::check),
        Step::check("links", links::check),
        Step::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::cargo("docs", &["doc", "--workspace", "--no-deps"]).with_env(&deny),
        Step::cargo("tests", &["test", "--workspace", "--no-fail-fast"]),
        Step::task("demo", "cargo xtask demo", || Box::pin(smoke::demo())),
        Step::task("e2e", "cargo xtask e2e", || {
            Box::pin(async {
                Ok(e2e::run(&e2e::Options::default()).await?.map_or(Passed::LeftOut, Passed::Checks))
            })
        }),
    ]
}
