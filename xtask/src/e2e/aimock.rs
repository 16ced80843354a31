//! The independent provider of the scenarios: aimock, a Node.js program.

use super::install::Installed;
use super::tools::Tools;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A running provider on a free port. Dropping it kills the process.
pub(super) struct Aimock {
    _child: Child,
    url: String,
}

/// The longest time until the provider listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

impl Aimock {
    /// Starts the provider with the responses in `assets`, and waits until it listens.
    pub(super) async fn start(tools: &Tools, installed: &Installed, assets: &Path) -> Result<Self> {
        let mut command = Command::new(&tools.node);
        command.arg(&installed.aimock).args(["--config", "aimock.json", "--port", "0"]);
        command
            .current_dir(assets)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context("cannot start the provider")?;
        let stdout = child.stdout.take().context("the provider's output is piped")?;
        let url = timeout(START_TIMEOUT, read_address(stdout))
            .await
            .context("the provider printed no address in time")??;
        Ok(Self { _child: child, url })
    }

    /// The base URL for clients.
    pub(super) fn base_url(&self) -> String {
        format!("{}/v1", self.url)
    }
}

/// Returns the first address that the provider prints. Later output is read and discarded.
async fn read_address(stdout: impl tokio::io::AsyncRead + Unpin + Send + 'static) -> Result<String> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(at) = line.find("http://") {
            let url =
                line[at..].split_whitespace().next().unwrap_or_default().trim_end_matches('/').to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(url);
        }
    }
    bail!("the provider ended without listening")
}
