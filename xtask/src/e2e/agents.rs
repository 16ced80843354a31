//! The scenarios with coding agents: Claude Code and Codex against a scripted provider.

use super::install::Installed;
use super::python;
use super::tools::Tools;
use anyhow::{Result, ensure};
use std::path::Path;

/// Runs the scenarios, which start the gateways and the provider themselves.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed) -> Result<()> {
    let mut command = python(installed, "agents.py");
    command.arg(binary).args([&installed.claude, &installed.codex, &tools.node]);
    let status = command.status().await?;
    ensure!(status.success(), "an agent behaves differently through the gateway ({status})");
    Ok(())
}
