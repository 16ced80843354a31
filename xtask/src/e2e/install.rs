//! Installs the pinned SDKs, agents and provider of the scenarios.

use super::assets;
use super::tools::Tools;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The installed packages.
pub(super) struct Installed {
    /// The Python interpreter of the environment with the SDK.
    pub(super) python: PathBuf,
    /// The script that starts the provider.
    pub(super) aimock: PathBuf,
    /// The folder of the Node.js packages, with the SDK for Node.js.
    pub(super) node: PathBuf,
    /// The program of Claude Code.
    pub(super) claude: PathBuf,
    /// The script of Codex.
    pub(super) codex: PathBuf,
    /// The program of opencode; `None` if there is none for this machine.
    pub(super) opencode: Option<PathBuf>,
}

/// The files that pin the Node.js packages.
const NODE_FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The program of opencode. Only its package for Linux on x86-64 is installed: the package that selects a platform would
/// install two variants.
const OPENCODE: &str = "node_modules/opencode-linux-x64/bin/opencode";

/// Installs everything below `folder`, unless these versions are installed already.
pub(super) fn install(tools: &Tools, folder: &Path) -> Result<Installed> {
    let (venv, node) = (folder.join("venv"), folder.join("node"));
    let requirements = assets().join("requirements.txt");
    once(&venv, &[requirements.as_path()], &tools.versions, || {
        println!("e2e: installing the official SDKs …");
        succeed(Command::new(&tools.python).args(["-m", "venv", "--clear"]).arg(&venv))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        succeed(Command::new(venv.join("bin/python")).args(pip).arg(&requirements))
    })?;
    let pinned = NODE_FILES.map(|file| assets().join(file));
    once(&node, &pinned.each_ref().map(PathBuf::as_path), &tools.versions, || {
        println!("e2e: installing the provider and the agents …");
        fs::create_dir_all(&node)?;
        for (file, path) in NODE_FILES.iter().zip(&pinned) {
            fs::copy(path, node.join(file))?;
        }
        succeed(
            Command::new(&tools.npm)
                .args(["ci", "--loglevel=error", "--no-audit", "--no-fund"])
                .current_dir(&node),
        )
    })?;
    let aimock = node.join("node_modules/@copilotkit/aimock/dist/aimock-cli.js");
    let codex = node.join("node_modules/@openai/codex/bin/codex.js");
    for script in [&aimock, &codex] {
        ensure!(script.is_file(), "{} is missing", script.display());
    }
    let claude = claude(&node)?;
    let opencode = Some(node.join(OPENCODE)).filter(|program| program.is_file());
    Ok(Installed { python: venv.join("bin/python"), aimock, node, claude, codex, opencode })
}

/// The program of Claude Code for this machine. Each platform has its own package, and npm installs the matching one.
fn claude(node: &Path) -> Result<PathBuf> {
    let folder = node.join("node_modules/@anthropic-ai");
    let packages = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let programs = packages.filter_map(|package| Some(package.ok()?.path().join("claude")));
    let mut programs = programs.filter(|program| program.is_file());
    programs.next().context("there is no Claude Code for this machine")
}

/// Calls `install` unless `folder` has a stamp of an installation with the same `inputs` and `versions`.
fn once(folder: &Path, inputs: &[&Path], versions: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut key = versions.to_owned();
    for input in inputs {
        key.push_str(&fs::read_to_string(input).with_context(|| input.display().to_string())?);
    }
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|done| done == key) {
        return Ok(());
    }
    install()?;
    Ok(fs::write(stamp, key)?)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_again_only_when_a_pin_changes() {
        let folder = std::env::temp_dir().join(format!("aibridge-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let pin = folder.join("pin");
        let mut installations = 0;
        for (text, versions) in [("a", "1"), ("a", "1"), ("b", "1"), ("b", "2"), ("b", "2")] {
            fs::write(&pin, text).expect("a file");
            let install = || {
                installations += 1;
                Ok(())
            };
            once(&folder, &[&pin], versions, install).expect("an installation");
        }
        fs::remove_dir_all(&folder).expect("a folder");
        assert_eq!(installations, 3);
    }

    #[test]
    fn the_lock_names_no_registry() {
        let lock = fs::read_to_string(assets().join("package-lock.json")).expect("the lock");
        assert!(lock.contains("\"integrity\"") && !lock.contains("://") && !lock.contains("\"resolved\""));
    }
}
