//! The gateways of a scene: the real binary, started, killed and observed.

use super::client::Target;
use super::probe;
use super::readiness::{self, Timeline};
use aibridge_testkit::{Gateway, Launch};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The longest time until a gateway listens: the machine may be busy, and the journal long.
const START_LIMIT: Duration = Duration::from_secs(120);

/// One gateway, which may be stopped.
pub(super) struct Member {
    launch: Launch,
    running: Option<Gateway>,
    address: watch::Sender<Option<SocketAddr>>,
    journal: PathBuf,
    timeline: Arc<Timeline>,
    watching: JoinHandle<()>,
    /// The warnings and errors in the logs of its earlier processes.
    log: String,
}

/// The settings that all gateways of a scene share.
pub(super) struct Template<'a> {
    pub(super) binary: &'a Path,
    pub(super) store_url: String,
    pub(super) provider_url: String,
    /// Lines of the table `[store]` that all gateways have.
    pub(super) store_settings: String,
}

impl Member {
    /// A gateway whose journal is at `journal`; `own_settings` are lines of its `[store]`. It does not run yet.
    pub(super) fn new(template: &Template<'_>, journal: PathBuf, own_settings: &str) -> Self {
        let settings = format!(
            "[store]\n{own_settings}{}\n[[provider]]\ntype = \"openai\"\nbase_url = \"{}\"\n\
             keys = [\"sk-chaos-0123456789abcdef\"]\n",
            template.store_settings, template.provider_url
        );
        let launch = Launch::new(template.binary).config(settings).store(&template.store_url);
        let launch = launch.env("RUST_LOG", "warn").start_limit(START_LIMIT);
        let (address, timeline) = (watch::Sender::new(None), Arc::new(Timeline::new()));
        let watching = readiness::watch(Arc::clone(&timeline), address.subscribe());
        Self { launch, running: None, address, journal, timeline, watching, log: String::new() }
    }

    /// The target for clients of this gateway.
    pub(super) fn target(&self) -> Target {
        Target { address: self.address.subscribe(), timeline: Arc::clone(&self.timeline) }
    }

    /// The times at which `/readyz` contradicted the responses, with descriptions.
    pub(super) fn contradictions(&self) -> Vec<String> {
        self.timeline.contradictions()
    }

    /// The directory of its journal.
    pub(super) fn journal(&self) -> &Path {
        &self.journal
    }

    /// Starts it, and returns the time until it listened.
    pub(super) async fn start(&mut self) -> Duration {
        let began = Instant::now();
        let gateway = self.launch.start().await;
        let took = began.elapsed();
        self.address.send_replace(Some(gateway.address()));
        self.running = Some(gateway);
        took
    }

    /// Kills it (SIGKILL) and waits for its end.
    pub(super) async fn kill(&mut self) {
        // Clients detect the end by their connections.
        if let Some(gateway) = self.running.take() {
            let output = gateway.kill().await;
            self.log.push_str(&output.stderr);
        }
        self.address.send_replace(None);
    }

    /// Starts it and kills it after `delay`, before it listens or soon after.
    pub(super) async fn kill_while_starting(&mut self, delay: Duration) {
        let output = self.launch.start_and_kill(delay).await;
        self.log.push_str(&output.stderr);
    }

    /// Stops it in an orderly way.
    pub(super) async fn stop(&mut self) {
        if let Some(gateway) = self.running.take() {
            self.address.send_replace(None);
            gateway.terminate();
            let output = gateway.wait_exit().await;
            self.log.push_str(&output.stderr);
        }
    }

    /// Its log so far, over all its starts.
    pub(super) fn log(&self) -> String {
        let running = self.running.as_ref().map(Gateway::stderr).unwrap_or_default();
        format!("{}{running}", self.log)
    }

    /// The number of records that it has acknowledged and that are not in the database.
    pub(super) async fn lag(&self) -> Result<u64> {
        Ok(self.metric("aibridge_journal_lag_records").await? as u64)
    }

    /// The sum of a metric over its labels.
    pub(super) async fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = probe::get(self.running()?.address(), "/metrics").await?;
        let values = text.lines().filter_map(|line| line.strip_prefix(name)?.split_once(' '));
        let values: Vec<f64> = values
            .filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'))
            .filter_map(|(_, value)| value.parse().ok())
            .collect();
        anyhow::ensure!(!values.is_empty(), "the gateway has no metric {name}");
        Ok(values.iter().sum())
    }

    /// Whether it reports that it accepts requests.
    pub(super) async fn is_ready(&self) -> Result<bool> {
        Ok(probe::get(self.running()?.address(), "/readyz").await?.0 == 200)
    }

    fn running(&self) -> Result<&Gateway> {
        self.running.as_ref().context("the gateway does not run")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
