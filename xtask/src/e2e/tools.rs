//! Finds the programs that the scenarios need: Python, Node.js and npm.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs that the scenarios need and do not install.
pub(super) struct Tools {
    pub(super) python: PathBuf,
    pub(super) node: PathBuf,
    pub(super) npm: PathBuf,
    /// The versions of Python and Node.js. Another version needs another installation.
    pub(super) versions: String,
}

/// Prints the version of Python if it can create virtual environments and is new enough for the SDK.
const PYTHON_CHECK: &str = "
import sys, ensurepip, venv
sys.exit('too old') if sys.version_info < (3, 11) else print(sys.version)
";

/// Prints the version of Node.js if it is new enough for the provider.
const NODE_CHECK: &str = "
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 15)) process.exit(1);
console.log(process.version);
";

/// Finds the tools, or returns a sentence that names what is missing.
pub(super) fn find() -> Result<Tools, String> {
    let python = on_path("python3").ok_or("this machine has no python3")?;
    let node = on_path("node").or_else(|| on_path("nodejs")).ok_or("this machine has no Node.js")?;
    let npm = on_path("npm").ok_or("this machine has no npm")?;
    let python_version = run(&python, ["-c", PYTHON_CHECK])
        .ok_or("this machine's python3 is older than 3.11 or has no venv")?;
    let node_version = run(&node, ["-e", NODE_CHECK]).ok_or("this machine's Node.js is older than 20.15")?;
    let versions = format!("Python {python_version}\nNode.js {node_version}\n");
    Ok(Tools { python, node, npm, versions })
}

pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn run<const N: usize>(program: &Path, arguments: [impl AsRef<OsStr>; N]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().replace('\n', " ");
    (output.status.success() && !text.is_empty()).then_some(text)
}
