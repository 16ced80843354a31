//! The scenarios of the launcher: `aibridge run` with the real agents.

use super::assets;
use super::install::Installed;
use super::tools::{Tools, on_path};
use anyhow::{Result, ensure};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Runs the scenarios, which start the gateways and the provider themselves. Aider takes half a gigabyte, so it is not
/// installed for them: they use the one of this machine.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed, target: &Path) -> Result<()> {
    let programs = [
        ("claude", Some(installed.claude.clone())),
        ("codex", Some(installed.codex.clone())),
        ("opencode", installed.opencode.clone()),
        ("aider", on_path("aider")),
        ("node", Some(tools.node.clone())),
    ];
    let folder = target.join("agents");
    collect(&folder, &programs)?;
    let mut command = Command::new(&installed.python);
    command.arg(assets().join("launcher.py")).arg(binary).arg(&folder);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await?;
    ensure!(status.success(), "an agent behaves differently with the launcher ({status})");
    Ok(())
}

/// Makes a folder with links to the programs, by the names that the launcher recognises.
fn collect(folder: &Path, programs: &[(&str, Option<PathBuf>)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, program) in programs {
        let link = folder.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        if let Some(program) = program {
            symlink(program, link)?;
        }
    }
    Ok(())
}
