//! `cargo xtask e2e`: end-to-end scenarios with an independent client and an independent provider, and the
//! dashboard in a browser.

mod aimock;
mod browser;
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

/// Limits that the official SDK reaches at once.
const LIMITS: &str = "[limits]\nrequests_per_minute = 2\n";

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Uses the optimised binary.
    #[arg(long)]
    release: bool,
    /// Runs the scenarios of the dashboard alone.
    #[arg(long)]
    browser: bool,
}

/// Runs all scenarios, or prints the tool that this machine lacks.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let tools = match tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            println!("e2e: left out the official SDK against an independent provider, because {missing}");
            return Ok(());
        }
    };
    let target = Workspace::load()?.target.join("e2e");
    let installed = install::install(&tools, &target)?;
    let binary = gateway::build(options.release)?;
    if options.browser {
        return browser::run(&binary, &tools, &installed, &target).await;
    }

    let provider = Aimock::start(&tools, &installed, &assets()).await?;
    let gateway = Launch::new(&binary).config(settings(&provider)).start().await;
    let limited = Launch::new(&binary).config(format!("{LIMITS}{}", settings(&provider))).start().await;
    let result = run_scenarios(&installed.python, &provider, &gateway, &limited).await;
    for gateway in [gateway, limited] {
        if result.is_err() {
            eprintln!("the gateway logged:\n{}", gateway.stderr());
        }
        gateway.terminate();
        gateway.wait_exit().await;
    }
    result?;
    secured::run(&binary, &installed.python, &provider).await?;
    browser::run(&binary, &tools, &installed, &target).await
}

/// The folder of the scenarios, the provider's responses and the pinned versions.
fn assets() -> PathBuf {
    root().join("xtask/e2e")
}

/// Settings with a pool whose first key the provider rejects, and a provider without pool keys.
fn settings(provider: &Aimock) -> String {
    let keys = r#"["sk-e2e-pool-key-that-is-retired", "sk-e2e-pool-key-in-current-use"]"#;
    let provider_table = |name, keys| {
        let base_url = provider.base_url();
        format!(
            "[[provider]]\ntype = \"openai\"\nname = \"{name}\"\nbase_url = \"{base_url}\"\nkeys = {keys}\n"
        )
    };
    [provider_table("pooled", keys), provider_table("own-key", "[]")].concat()
}

/// Runs the Python scenarios, which print their results.
async fn run_scenarios(python: &Path, provider: &Aimock, gateway: &Gateway, limited: &Gateway) -> Result<()> {
    let mut command = Command::new(python);
    command
        .arg(assets().join("run.py"))
        .args([provider.base_url(), gateway.url()])
        .arg(gateway.store().path())
        .arg(limited.url());
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await?;
    ensure!(status.success(), "a response through the gateway differs from the direct one ({status})");
    Ok(())
}
