use super::lab::Lab;
use super::process::Process;
use super::target::{GOVERNED, RELAY, Target};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No gateway tokens, no metrics. Records are kept all the same.
    Relay,
    /// Everything on.
    Governed,
}

/// A circuit breaker, and limits that are counted and never reached. Behind the provider's table.
const GOVERNED_TOO: &str = "[provider.circuit_breaker]\n\
    [limits]\nmax_concurrent_requests = 1000000\nrequests_per_minute = 4000000000\ntokens_per_minute = 4000000000\n";

/// A gateway to start.
pub(super) struct Gateway {
    mode: Mode,
    keys: usize,
}

impl Gateway {
    pub(super) fn of(mode: Mode) -> Self {
        Self { mode, keys: 1 }
    }

    /// With so many keys.
    pub(super) fn keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    /// Starts it on a store of its own.
    pub(super) fn start(&self, lab: &Lab) -> Result<Target> {
        self.start_on(lab, |_| Ok(()))
    }

    /// Starts it on a store that `fill` has worked on.
    pub(super) fn start_on(&self, lab: &Lab, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Target> {
        let name = if self.mode == Mode::Relay { RELAY } else { GOVERNED };
        let directory = lab.directory().join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let (settings, store) = (directory.join("aibridge.toml"), directory.join("aibridge.db"));
        fs::write(&settings, self.settings(lab, &store))?;
        let token = self.token(lab, &settings)?;
        fill(&store)?;

        let mut command = Lab::target_command(&lab.gateway_binary());
        command.arg("--config").arg(&settings).stderr(File::create(directory.join("log"))?);
        let begun = Instant::now();
        let mut process = Process::start(&mut command)?;
        let line = process.line().with_context(|| format!("see {}", directory.join("log").display()))?;
        let ready_after = begun.elapsed();
        let address = line.trim().rsplit_once("http://").context("it does not say where it listens")?.1;
        Ok(Target {
            name,
            address: address.parse()?,
            prefix: "/openai/v1",
            token,
            pid: process.pid(),
            ready_after,
            _process: Some(process),
        })
    }

    fn settings(&self, lab: &Lab, store: &Path) -> String {
        let governed = self.mode == Mode::Governed;
        let keys: Vec<String> = (0..self.keys).map(|at| format!("\"sk-bench-{at:08}\"")).collect();
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n[auth]\nmode = \"{}\"\n\
             [metrics]\nenabled = {governed}\n[[provider]]\ntype = \"openai\"\nbase_url = \"http://{}/v1/\"\n\
             keys = [{}]\n{}",
            store.display(),
            if governed { "tokens" } else { "none" },
            lab.provider(),
            keys.join(", "),
            if governed { GOVERNED_TOO } else { "" },
        )
    }

    /// Makes a gateway token, and with it the store.
    fn token(&self, lab: &Lab, settings: &Path) -> Result<Option<String>> {
        let mut command = std::process::Command::new(lab.gateway_binary());
        command
            .arg("--config")
            .arg(settings)
            .args(["token", "create", "--user", "bench"])
            .stderr(Stdio::inherit());
        let printed = String::from_utf8(command.output()?.stdout)?;
        let token = printed.lines().next().context("no token was made")?.to_owned();
        Ok((self.mode == Mode::Governed).then_some(token))
    }
}
