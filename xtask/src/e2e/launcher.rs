//! The scenarios of the launcher: `aibridge run` with the real agents.

use super::install::Installed;
use super::python;
use super::tools::{Tools, on_path};
use anyhow::{Result, ensure};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Runs the scenarios, which start the gateways and the provider themselves. Aider needs half a gigabyte, so it is not
/// installed: the scenarios use the program of this machine, if it has one.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed, target: &Path) -> Result<()> {
    let programs = [
        ("claude", Some(installed.claude.clone())),
        ("codex", Some(installed.codex.clone())),
        ("opencode", installed.opencode.clone()),
        ("aider", on_path("aider")),
        ("node", Some(tools.node.clone())),
    ];
    let folder = target.join("agents");
    link_programs(&folder, &programs)?;
    let status = python(installed, "launcher.py").arg(binary).arg(&folder).status().await?;
    ensure!(status.success(), "an agent behaves differently with the launcher ({status})");
    Ok(())
}

/// Makes a folder with links to the programs, by the names that the launcher recognises.
fn link_programs(folder: &Path, programs: &[(&str, Option<PathBuf>)]) -> Result<()> {
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
