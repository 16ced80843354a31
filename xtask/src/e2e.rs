//! `cargo xtask e2e`: real parts that nobody here wrote, on both sides of the gateway.

mod aimock;
mod install;
mod secured;
mod tools;

use crate::gateway;
use crate::workspace::{Workspace, root};
use aibridge_testkit::{Gateway, Launch};
use aimock::Aimock;
use anyhow::{Result, ensure};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// What the official SDK runs into at once.
const LIMITS: &str = "[limits]\nrequests_per_minute = 2\n";

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Use the optimised binary.
    #[arg(long)]
    release: bool,
}

/// Plays all scenarios, or says what this machine lacks for them.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let tools = match tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            println!("e2e: left out the official SDK against an independent provider, because {missing}");
            return Ok(());
        }
    };
    let installed = install::install(&tools, &Workspace::load()?.target.join("e2e"))?;
    let binary = gateway::build(options.release)?;

    let provider = Aimock::start(&tools, &installed, &assets()).await?;
    let gateway = Launch::new(&binary).config(settings(&provider)).start().await;
    let limited = Launch::new(&binary).config(format!("{LIMITS}{}", settings(&provider))).start().await;
    let played = play(&installed.python, &provider, &gateway, &limited).await;
    for gateway in [gateway, limited] {
        if played.is_err() {
            eprintln!("the gateway logged:\n{}", gateway.stderr());
        }
        gateway.terminate();
        gateway.wait_exit().await;
    }
    played?;
    secured::play(&binary, &installed.python, &provider).await
}

/// Where the scenarios, the provider's answers and the pinned versions lie.
fn assets() -> PathBuf {
    root().join("xtask/e2e")
}

/// A pool whose first key the provider has retired, and a provider to which everyone brings a key.
fn settings(provider: &Aimock) -> String {
    let keys = r#"["sk-e2e-pool-key-that-is-retired", "sk-e2e-pool-key-in-current-use"]"#;
    let one = |name, keys| {
        let base_url = provider.base_url();
        format!(
            "[[provider]]\ntype = \"openai\"\nname = \"{name}\"\nbase_url = \"{base_url}\"\nkeys = {keys}\n"
        )
    };
    [one("pooled", keys), one("own-key", "[]")].concat()
}

/// Runs the scenarios, which print what they find and fail if one does.
async fn play(python: &Path, provider: &Aimock, gateway: &Gateway, limited: &Gateway) -> Result<()> {
    let mut command = Command::new(python);
    command
        .arg(assets().join("run.py"))
        .args([provider.base_url(), gateway.url()])
        .arg(gateway.store().path())
        .arg(limited.url());
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await?;
    ensure!(status.success(), "what came through the gateway is not what came directly ({status})");
    Ok(())
}
