//! Builds the gateway binary for the demo and the end-to-end scenarios.

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
    let mut command = cargo();
    command.args(["build", "--quiet", "--package=aibridge-server", "--bin=aibridge"]);
    command.arg("--message-format=json-render-diagnostics");
    if release {
        command.arg("--release");
    }
    let messages = output(&mut command)?;
    let mut built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let binary = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    binary.context("cargo built no binary `aibridge`")
}
