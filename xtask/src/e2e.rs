//! `cargo xtask e2e`: real parts that nobody here wrote, on both sides of the gateway.

mod aimock;
mod install;
mod tools;

use crate::gateway;
use crate::workspace::{Workspace, root};
use aibridge_testkit::{Gateway, Launch};
use aimock::Aimock;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Use the optimised binary.
    #[arg(long)]
    release: bool,
}

/// Plays all scenarios and says how many there were; none if this machine lacks a tool, which is said too.
pub(crate) async fn run(options: &Options) -> Result<Option<usize>> {
    let tools = match tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            println!("e2e: left out the official SDK against an independent provider, because {missing}");
            return Ok(None);
        }
    };
    let installed = install::install(&tools, &Workspace::load()?.target.join("e2e"))?;
    let binary = gateway::build(options.release)?;

    let provider = Aimock::start(&tools, &installed, &assets()).await?;
    let launch = Launch::new(binary).config(settings(&provider));
    let gateway = launch.start().await;
    let passed = play(&installed.python, &provider, &gateway).await;
    if passed.is_err() {
        eprintln!("the gateway logged:\n{}", gateway.stderr());
    }
    gateway.terminate();
    gateway.exited().await;
    passed.map(Some)
}

/// Where the scenarios, the provider's answers and the pinned versions lie.
fn assets() -> PathBuf {
    root().join("xtask/e2e")
}

/// A pool whose first key the provider has retired, and a provider to which everyone brings a key.
fn settings(provider: &Aimock) -> String {
    let keys = r#"["sk-e2e-retired-key-of-the-pool", "sk-e2e-current-key-of-the-pool"]"#;
    let one = |name, keys| {
        let base_url = provider.base_url();
        format!(
            "[[provider]]\ntype = \"openai\"\nname = \"{name}\"\nbase_url = \"{base_url}\"\nkeys = {keys}\n"
        )
    };
    [one("pooled", keys), one("own-key", "[]")].concat()
}

/// Runs the scenarios, prints what they say and counts those that passed.
async fn play(python: &Path, provider: &Aimock, gateway: &Gateway) -> Result<usize> {
    let mut command = Command::new(python);
    command
        .arg(assets().join("run.py"))
        .args([provider.base_url(), gateway.url()])
        .arg(gateway.store().path());
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;

    let mut passed = 0;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            passed += usize::from(line.starts_with("  ok "));
            println!("{line}");
        }
    }
    let status = child.wait().await?;
    ensure!(status.success(), "what came through the gateway is not what came directly ({status})");
    ensure!(passed > 0, "no scenario was played");
    Ok(passed)
}
