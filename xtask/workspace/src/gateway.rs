//! Builds the binary of the gateway, and examples of crates.

use crate::workspace::{cargo, output};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::PathBuf;

/// Builds the gateway and returns the path of its binary.
///
/// # Errors
///
/// If the build fails.
pub fn build(release: bool) -> Result<PathBuf> {
    let release = release.then_some("--release");
    build_target(["--package=aibridge-server", "--bin=aibridge"].into_iter().chain(release))
}

/// Builds an example of a crate and returns the path of its binary.
///
/// # Errors
///
/// If the build fails.
pub fn build_example(package: &str, example: &str) -> Result<PathBuf> {
    build_target(["--package", package, "--example", example].into_iter())
}

fn build_target<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics"]).args(arguments);
    let messages = output(&mut command)?;
    let mut built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let binary = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    binary.context("cargo built no binary")
}
