//! `cargo xtask fuzz`: runs the fuzz targets of `xtask/fuzz`, one after the other, for a limited time each.

use aibridge_workspace::root;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::process::Command;

#[derive(Args)]
pub(crate) struct Options {
    /// The target to run; all of them if it is left out.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
}

/// Runs the targets, and fails at the first finding: cargo-fuzz prints the input and how to repeat it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let targets = targets()?;
    let selected: Vec<&String> =
        targets.iter().filter(|name| options.target.as_ref().is_none_or(|wanted| wanted == *name)).collect();
    ensure!(!selected.is_empty(), "there is no such target; the targets are {}", targets.join(", "));
    for target in selected {
        println!("fuzz: {target} for {} s", options.seconds);
        let status = Command::new("cargo")
            .args(["fuzz", "run", "--fuzz-dir", "xtask/fuzz", "--sanitizer", "none", target, "--"])
            .args([
                format!("-max_total_time={}", options.seconds),
                "-timeout=10".into(),
                "-max_len=65536".into(),
            ])
            .args(["-print_final_stats=1", "-verbosity=0"])
            .current_dir(root())
            .status()
            .context("cannot start cargo-fuzz; install it with `cargo install cargo-fuzz`")?;
        if !status.success() {
            bail!("the target {target} found a defect; its output names the input");
        }
    }
    println!("fuzz: no finding");
    Ok(())
}

/// The names of the files in `xtask/fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("xtask/fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut names = entries
        .map(|entry| {
            Ok(entry?.path().file_stem().context("a target has a name")?.to_string_lossy().into_owned())
        })
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
