//! The scenarios with coding agents: Claude Code and Codex against a scripted provider.

use super::assets;
use super::install::Installed;
use super::tools::Tools;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Runs the scenarios, which start the gateways and the provider themselves.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed) -> Result<()> {
    let mut command = Command::new(&installed.python);
    command.arg(assets().join("agents.py")).arg(binary);
    command.args([&installed.claude, &installed.codex, &tools.node]);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await?;
    ensure!(status.success(), "an agent behaves differently through the gateway ({status})");
    Ok(())
}
