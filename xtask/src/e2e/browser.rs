//! The dashboard in a real browser, on a filled store and on an empty one.

mod hostile;

use super::assets;
use super::install::Installed;
use super::tools::Tools;
use aibridge_demo::fill;
use aibridge_testkit::{Gateway, Launch, ReceivedRequest, Script, ScriptedProvider};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The interceptions of the filled store: enough for pages, charts and the session with 500 tool calls.
const FILLED: usize = 20_000;

/// The script of the scenarios. Node.js finds its packages beside it.
const SCRIPT: &str = "browser.mjs";

/// Settings with access tokens, a retention period that is longer than the records of the filled store are old, and
/// budgets, one of which admits nothing.
const SETTINGS: &str = r#"
[auth]
mode = "tokens"
[store]
retention = "60d"
[[budget]]
scope = "everyone"
amount = "1200 USD"
[[budget]]
scope = "user"
match = "ada"
amount = "60 USD"
[[budget]]
scope = "model"
match = "not-for-us"
amount = "0 USD"
period = "day"
[[provider]]
type = "openai"
keys = ["sk-first-key-of-the-browser", "sk-second-key-of-the-browser", "<img/src=x/onerror=alert(5)>"]
"#;

/// The response of the provider to a chat completion.
const COMPLETION: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5","choices":[{"index":0,
    "message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#;

/// Runs the scenarios, or prints that this machine has no browser. Screenshots are left in `target/e2e/screenshots`.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed, target: &Path) -> Result<()> {
    let Some(chromium) = chromium() else {
        println!("browser: left out the dashboard in a browser, because this machine has no Chromium");
        return Ok(());
    };
    let provider = ScriptedProvider::start(respond).await;
    let launch = Launch::new(binary).config(settings(&provider.base_url()));
    fill(&mut std::io::sink(), binary, &launch.store_path(), FILLED).await?;
    let [hostile, not_utf_8] = hostile::insert(&launch.store_path())?;
    let admin = token(&launch, binary, &["--user", "ops", "--admin"]).await?;
    let user = token(&launch, binary, &["--user", "ada"]).await?;
    let hostile_user = token(&launch, binary, &["--user", hostile::USER]).await?;
    let unused = Launch::new(binary).env("OPENAI_BASE_URL", provider.base_url());
    let unused = unused.env("OPENAI_API_KEY", "sk-key-of-the-empty-gateway");
    let (filled, empty) = (launch.start().await, unused.start().await);
    let script = installed.node.join(SCRIPT);
    std::fs::copy(assets().join(SCRIPT), &script)?;
    let mut command = Command::new(&tools.node);
    command.arg(script).arg(chromium).arg(filled.url()).args([admin, user, hostile_user]).arg(empty.url());
    command
        .args([hostile, not_utf_8])
        .arg(target.join("screenshots"))
        .current_dir(&installed.node)
        .stdin(Stdio::null());
    let status = command.kill_on_drop(true).status().await?;
    ensure!(status.success(), "a scenario of the dashboard failed\nthe gateway logged:\n{}", filled.stderr());
    for gateway in [filled, empty] {
        stop(gateway).await;
    }
    Ok(())
}

/// The settings of the filled gateway, with a budget of the hostile user and circuits.
fn settings(base_url: &str) -> String {
    let budget = format!("[[budget]]\nscope = \"user\"\nmatch = '{}'\namount = \"70 USD\"\n", hostile::USER);
    format!("{budget}{SETTINGS}base_url = \"{base_url}\"\n[provider.circuit_breaker]\n")
}

/// Responds as the scripted provider: with errors for some models, by their names, and for the first key.
fn respond(received: &ReceivedRequest) -> Script {
    let model = received.json()["model"].as_str().unwrap_or_default().to_owned();
    if model.starts_with("live-") {
        return Script::json(500, r#"{"error":{"message":"It fails.","type":"server_error"}}"#);
    }
    if model.starts_with("limited-") {
        return Script::json(
            429,
            r#"{"error":{"message":"Too many.","type":"requests","code":"rate_limit_exceeded"}}"#,
        );
    }
    if model.starts_with("bytes-") {
        return Script::json(200, hostile::COMPLETION);
    }
    match received.header("authorization") {
        Some(key) if key.contains("first-key") => Script::json(
            401,
            r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        ),
        _ => Script::json(200, COMPLETION),
    }
}

async fn stop(gateway: Gateway) {
    gateway.terminate();
    gateway.wait_exit().await;
}

fn chromium() -> Option<PathBuf> {
    super::tools::on_path("chromium").or_else(|| super::tools::on_path("chromium-browser"))
}

/// Creates an access token, and returns it.
async fn token(launch: &Launch, binary: &Path, options: &[&str]) -> Result<String> {
    let store = format!("sqlite:{}", launch.store_path().display());
    let store = ["--store", store.as_str()];
    let arguments = ["token", "create"].iter().chain(options).chain(&store).copied();
    let output = arguments.fold(Launch::new(binary), |launch, argument| launch.arg(argument)).run().await;
    let line = output.stdout.lines().next().map(str::to_owned);
    line.with_context(|| format!("no access token was created: {}", output.stderr))
}
