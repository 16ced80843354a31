use super::install::Installed;
use super::tools::Tools;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The provider nobody here wrote, on a free port. Dropping it kills it.
pub(super) struct Aimock {
    _child: Child,
    url: String,
}

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

impl Aimock {
    /// Starts it with the answers in `assets` and waits until it listens.
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
        let url = timeout(PATIENCE, listening(stdout))
            .await
            .context("the provider does not say where it listens")??;
        Ok(Self { _child: child, url })
    }

    /// What a client takes as its base URL.
    pub(super) fn base_url(&self) -> String {
        format!("{}/v1", self.url)
    }
}

/// The address in the provider's first line that has one. What it prints later is read and dropped.
async fn listening(stdout: impl tokio::io::AsyncRead + Unpin + Send + 'static) -> Result<String> {
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
