//! The crates of the repository, the root folder, and helpers that run commands.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates of this repository, from `cargo metadata`.
pub struct Workspace {
    /// The crates, in the order of the command.
    pub packages: Vec<Package>,
    /// The target directory.
    pub target: PathBuf,
}

/// A crate of this repository.
pub struct Package {
    /// The name of the crate.
    pub name: String,
    /// The names of its normal dependencies, without those of tests and build scripts.
    pub dependencies: Vec<String>,
}

/// The root folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// The cargo that runs this task, in the root folder.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs `command` and returns its standard output. Its standard error goes to the terminal.
///
/// # Errors
///
/// If the command cannot be started or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(output.status.success(), "{command:?} failed with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

impl Workspace {
    /// Runs `cargo metadata`.
    ///
    /// # Errors
    ///
    /// If the command fails, or prints something else.
    pub fn load() -> Result<Self> {
        let metadata = output(cargo().args(["metadata", "--format-version=1", "--no-deps", "--offline"]))?;
        Self::parse(&serde_json::from_str(&metadata)?).context("cargo metadata")
    }

    fn parse(metadata: &Value) -> Result<Self> {
        let target = text(metadata, "target_directory")?.into();
        let packages = list(metadata, "packages")?.iter().map(Package::parse).collect::<Result<_>>()?;
        Ok(Self { packages, target })
    }
}

impl Package {
    fn parse(package: &Value) -> Result<Self> {
        let normal = list(package, "dependencies")?.iter().filter(|dependency| dependency["kind"].is_null());
        let dependencies = normal.map(|dependency| text(dependency, "name")).collect::<Result<_>>()?;
        Ok(Self { name: text(package, "name")?, dependencies })
    }
}

fn text(value: &Value, member: &str) -> Result<String> {
    Ok(value[member].as_str().with_context(|| format!("no {member:?}"))?.to_owned())
}

fn list<'a>(value: &'a Value, member: &str) -> Result<&'a [Value]> {
    match value[member].as_array() {
        Some(list) => Ok(list),
        None => bail!("no {member:?}"),
    }
}
