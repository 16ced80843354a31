//! `cargo xtask e2e`: end-to-end scenarios with independent clients and an independent provider, and the dashboard in a
//! browser.

mod agents;
mod aimock;
mod browser;
mod install;
mod launcher;
mod money;
mod secured;
mod tools;

use aibridge_testkit::{Gateway, Launch};
use aibridge_workspace::{Workspace, gateway, root};
use aimock::Aimock;
use anyhow::{Result, ensure};
use clap::Args;
use install::Installed;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;
use tools::Tools;

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
    /// Runs the scenarios of the launcher alone.
    #[arg(long)]
    launcher: bool,
    /// Runs the scenarios about costs and budgets alone.
    #[arg(long)]
    money: bool,
}

/// Runs all scenarios, or prints the tool that this machine lacks.
///
/// # Errors
///
/// If a scenario fails; on CI also if a tool is missing.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let tools = match tools::find() {
        Ok(tools) => tools,
        Err(missing) => {
            ensure!(
                std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                "e2e must run on CI, but {missing}"
            );
            println!("e2e: left out the official SDKs, Claude Code and Codex, because {missing}");
            return Ok(());
        }
    };
    let target = Workspace::load()?.target.join("e2e");
    let installed = install::install(&tools, &target)?;
    let binary = gateway::build(options.release)?;
    if options.browser {
        return browser::run(&binary, &tools, &installed, &target).await;
    }
    if options.launcher {
        return launcher::run(&binary, &tools, &installed, &target).await;
    }
    if options.money {
        return money::run(&binary, &tools, &installed).await;
    }

    let provider = Aimock::start(&tools, &installed, &assets()).await?;
    let gateway = Launch::new(&binary).config(settings(&provider)).start().await;
    let limited = Launch::new(&binary).config(format!("{LIMITS}{}", settings(&provider))).start().await;
    let result = run_scenarios(&tools, &installed, &provider, &gateway, &limited).await;
    for gateway in [gateway, limited] {
        if result.is_err() {
            eprintln!("the gateway logged:\n{}", gateway.stderr());
        }
        gateway.terminate();
        gateway.wait_exit().await;
    }
    result?;
    secured::run(&binary, &tools, &installed, &provider).await?;
    agents::run(&binary, &tools, &installed).await?;
    launcher::run(&binary, &tools, &installed, &target).await?;
    money::run(&binary, &tools, &installed).await?;
    browser::run(&binary, &tools, &installed, &target).await
}

/// The folder of the scenarios, the provider's responses and the pinned versions.
fn assets() -> PathBuf {
    root().join("xtask/e2e")
}

/// Settings with a pool whose first key the provider rejects, and a provider without pool keys; both for each vendor.
fn settings(provider: &Aimock) -> String {
    let keys = r#"["sk-e2e-pool-key-that-is-retired", "sk-e2e-pool-key-in-current-use"]"#;
    let table = |kind: &str, name: &str, keys: &str| {
        let base_url = provider.base_url();
        let base_url = if kind == "anthropic" { base_url.trim_end_matches("/v1") } else { &base_url };
        format!(
            "[[provider]]\ntype = \"{kind}\"\nname = \"{name}\"\nbase_url = \"{base_url}\"\nkeys = {keys}\n"
        )
    };
    [
        table("openai", "pooled", keys),
        table("openai", "own-key", "[]"),
        table("anthropic", "pooled-messages", keys),
        table("anthropic", "own-key-messages", "[]"),
    ]
    .concat()
}

/// The variables that scenarios inherit. Others, such as keys and proxies of the developer, would change their results.
const INHERITED: [&str; 2] = ["PATH", "TMPDIR"];

/// A command that runs the Python scenarios in `name`.
fn python(installed: &Installed, name: &str) -> Command {
    let mut command = Command::new(&installed.python);
    command.arg(assets().join(name)).env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The environment of scenarios that use the SDK for Node.js.
fn environment(tools: &Tools, installed: &Installed) -> [(&'static str, OsString); 2] {
    [("NODE", tools.node.clone().into()), ("NODE_FOLDER", installed.node.clone().into())]
}

/// Runs the scenarios with the SDKs, which compare the gateway with the provider.
async fn run_scenarios(
    tools: &Tools,
    installed: &Installed,
    provider: &Aimock,
    gateway: &Gateway,
    limited: &Gateway,
) -> Result<()> {
    let mut command = python(installed, "run.py");
    command.args([provider.base_url(), gateway.url()]).arg(gateway.store().path()).arg(limited.url());
    let status = command.envs(environment(tools, installed)).status().await?;
    ensure!(status.success(), "a response through the gateway differs from the direct one ({status})");
    Ok(())
}
