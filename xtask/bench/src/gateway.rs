//! Starts the gateway as a target of the bench.

use super::lab::Lab;
use super::process::Process;
use super::target::{GOVERNED, RELAY, Target};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// The settings with which the gateway is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No access tokens and no metrics. Everything is recorded.
    Relay,
    /// Access tokens, metrics, circuit breakers, all limits and a budget of each user. Everything is recorded.
    Governed,
}

/// The types of the providers, and the paths of their base URLs.
const PROVIDERS: [(&str, &str); 2] = [("openai", "/v1/"), ("anthropic", "/")];

/// Limits and a budget that are counted and never reached.
const GOVERNED_SETTINGS: &str = "[limits]\nmax_concurrent_requests = 1000000\n\
    requests_per_minute = 4000000000\ntokens_per_minute = 4000000000\n\
    [[budget]]\nscope = \"user\"\nmatch = \"*\"\namount = \"1000000 USD\"\n";

/// A gateway that can be started.
pub(super) struct Gateway {
    mode: Mode,
    keys: usize,
}

impl Gateway {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, keys: 1 }
    }

    /// Sets the number of provider keys.
    pub(super) fn with_keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    /// Starts the gateway on an empty store.
    pub(super) fn start(&self, lab: &Lab) -> Result<Target> {
        self.start_on(lab, |_| Ok(()))
    }

    /// Starts the gateway on a store that `fill` has filled.
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
        let started_at = Instant::now();
        let mut process = Process::start(&mut command)?;
        let line = process.line().with_context(|| format!("see {}", directory.join("log").display()))?;
        let ready_after = started_at.elapsed();
        let address = line.trim().rsplit_once("http://").context("the gateway printed no address")?.1;
        Ok(Target {
            name,
            address: address.parse()?,
            is_gateway: true,
            token,
            pid: process.pid(),
            ready_after,
            _process: Some(process),
        })
    }

    fn settings(&self, lab: &Lab, store: &Path) -> String {
        let governed = self.mode == Mode::Governed;
        let keys: Vec<String> = (0..self.keys).map(|index| format!("\"sk-bench-{index:08}\"")).collect();
        let (keys, breaker) = (keys.join(", "), if governed { "[provider.circuit_breaker]\n" } else { "" });
        let provider = |(kind, path)| {
            let address = lab.provider();
            format!(
                "[[provider]]\ntype = \"{kind}\"\nbase_url = \"http://{address}{path}\"\nkeys = [{keys}]\n{breaker}"
            )
        };
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n[auth]\nmode = \"{}\"\n\
             [metrics]\nenabled = {governed}\n{}{}",
            store.display(),
            if governed { "tokens" } else { "none" },
            PROVIDERS.map(provider).concat(),
            if governed { GOVERNED_SETTINGS } else { "" },
        )
    }

    /// Creates an access token, and with it the store.
    fn token(&self, lab: &Lab, settings: &Path) -> Result<Option<String>> {
        let mut command = std::process::Command::new(lab.gateway_binary());
        command
            .arg("--config")
            .arg(settings)
            .args(["token", "create", "--user", "bench"])
            .stderr(Stdio::inherit());
        let printed = String::from_utf8(command.output()?.stdout)?;
        let token = printed.lines().next().context("the command printed no token")?.to_owned();
        Ok((self.mode == Mode::Governed).then_some(token))
    }
}
