use super::process::Process;
use super::{Options, build, gateway, nginx, target::Target};
use anyhow::{Context, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// The core that a target has to itself, and the one of those around it.
const TARGET_CORE: usize = 0;
const OTHER_CORE: usize = 1;

const SETTLING: Duration = Duration::from_millis(50);

/// Where it is measured: binaries, the provider, a directory on a real disk.
pub(super) struct Lab {
    binaries: PathBuf,
    directory: PathBuf,
    provider: Process,
    provider_address: SocketAddr,
}

impl Lab {
    /// Builds everything and starts the provider.
    pub(super) fn set_up(options: &Options) -> Result<Self> {
        // One by one: together, the features that one needs would become the other's.
        build(&["--package=aibridge-server", "--bin=aibridge"], options.profile())?;
        let binaries = build(&["--package=aibridge-traffic", "--bin=aibridge-traffic"], options.profile())?;
        let directory = binaries.with_file_name("bench");
        std::fs::create_dir_all(&directory)?;
        let mut provider = Process::command(OTHER_CORE, &binaries.join("aibridge-traffic"));
        let mut provider = Process::start(provider.arg("provider"))?;
        let provider_address = provider.line()?.trim().parse().context("the provider's address")?;
        Ok(Self { binaries, directory, provider, provider_address })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn provider(&self) -> SocketAddr {
        self.provider_address
    }

    pub(super) fn gateway_binary(&self) -> PathBuf {
        self.binaries.join("aibridge")
    }

    /// No gateway at all.
    pub(super) fn direct(&self) -> Target {
        Target::direct(self.provider_address, self.provider.pid())
    }

    /// Everything that is compared; nginx only if it is installed.
    pub(super) fn targets(&self) -> Result<Vec<Target>> {
        let mut targets = vec![self.direct()];
        targets.extend(nginx::start(self)?);
        for mode in [gateway::Mode::Relay, gateway::Mode::Governed] {
            targets.push(gateway::Gateway::of(mode).start(self)?);
        }
        Ok(targets)
    }

    /// Starts a target's program on its core.
    pub(super) fn target_command(program: &Path) -> std::process::Command {
        Process::command(TARGET_CORE, program)
    }

    /// Starts clients of `target`.
    pub(super) fn clients(&self, target: &Target, arguments: &[String]) -> Result<Process> {
        let mut command = Process::command(OTHER_CORE, &self.binaries.join("aibridge-traffic"));
        command.args(["load", "--address", &target.address.to_string(), "--prefix", target.prefix]);
        if let Some(token) = &target.token {
            command.args(["--bearer", token]);
        }
        Process::start(command.args(arguments))
    }

    /// As `load`, with the CPU time that the target used for it.
    pub(super) fn load_and_cpu(&self, target: &Target, arguments: &[String]) -> Result<(Value, Duration)> {
        let before = target.cpu()?;
        let seen = self.load(target, arguments)?;
        // What it does after the last answer, like writing records, counts too.
        sleep(SETTLING);
        Ok((seen, target.cpu()?.saturating_sub(before)))
    }

    /// Lets clients of `target` run to their end, and says what they saw.
    pub(super) fn load(&self, target: &Target, arguments: &[String]) -> Result<Value> {
        let mut clients = self.clients(target, arguments)?;
        let line = clients.line().with_context(|| format!("{} with {arguments:?}", target.name))?;
        clients.wait()?;
        Ok(serde_json::from_str(&line)?)
    }
}
