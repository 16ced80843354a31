//! The environment of a measurement: the binaries, the provider and the clients.

use super::process::Process;
use super::target::Target;
use super::{Options, build};
use anyhow::{Context, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// The core of the target, which nothing else uses.
const TARGET_CORE: usize = 0;

/// The core of the provider and the clients.
const OTHER_CORE: usize = 1;

/// The wait after the last response, in which the target finishes its work.
const SETTLE_TIME: Duration = Duration::from_millis(50);

/// The binaries, a running provider, and a directory on a real disk.
pub(super) struct Lab {
    binaries: PathBuf,
    directory: PathBuf,
    provider: Process,
    provider_address: SocketAddr,
}

impl Lab {
    /// Builds everything and starts the provider.
    pub(super) fn set_up(options: &Options) -> Result<Self> {
        // One build each: a common build would unify the features of both.
        build(&["--package=aibridge-server", "--bin=aibridge"], options.profile())?;
        let binaries = build(&["--package=aibridge-traffic", "--bin=aibridge-traffic"], options.profile())?;
        let directory = binaries.with_file_name("bench");
        std::fs::create_dir_all(&directory)?;
        let mut provider = Process::command(OTHER_CORE, &binaries.join("aibridge-traffic"));
        let mut provider = Process::start(provider.arg("provider"))?;
        let provider_address = provider.line()?.trim().parse().context("the provider printed no address")?;
        Ok(Self { binaries, directory, provider, provider_address })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The address of the provider.
    pub(super) fn provider(&self) -> SocketAddr {
        self.provider_address
    }

    pub(super) fn gateway_binary(&self) -> PathBuf {
        self.binaries.join("aibridge")
    }

    /// The provider itself as a target.
    pub(super) fn direct(&self) -> Target {
        Target::direct(self.provider_address, self.provider.pid())
    }

    /// A command that runs `program` on the core of the target.
    pub(super) fn target_command(program: &Path) -> std::process::Command {
        Process::command(TARGET_CORE, program)
    }

    /// Starts the load generator against `target`.
    pub(super) fn clients(&self, target: &Target, arguments: &[String]) -> Result<Process> {
        let mut command = Process::command(OTHER_CORE, &self.binaries.join("aibridge-traffic"));
        command.args(["load", "--address", &target.address.to_string()]);
        if target.is_gateway {
            command.arg("--gateway");
        }
        if let Some(token) = &target.token {
            command.args(["--bearer", token]);
        }
        Process::start(command.args(arguments))
    }

    /// Runs the load generator to its end. Returns its result and the CPU time that the target used.
    pub(super) fn load_and_cpu(&self, target: &Target, arguments: &[String]) -> Result<(Value, Duration)> {
        let before = target.cpu()?;
        let result = self.load(target, arguments)?;
        // Work after the last response, such as writing records, counts too.
        sleep(SETTLE_TIME);
        Ok((result, target.cpu()?.saturating_sub(before)))
    }

    /// Runs the load generator to its end and returns its result.
    pub(super) fn load(&self, target: &Target, arguments: &[String]) -> Result<Value> {
        let mut clients = self.clients(target, arguments)?;
        let line = clients.line().with_context(|| format!("{} with {arguments:?}", target.name))?;
        clients.wait()?;
        Ok(serde_json::from_str(&line)?)
    }
}
