//! The dashboard in a real browser, on a filled store and on an empty one.

use super::assets;
use super::install::Installed;
use super::tools::Tools;
use aibridge_demo::fill;
use aibridge_testkit::{Gateway, Launch, ReceivedRequest, Script, ScriptedProvider};
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};
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
keys = ["sk-first-key-of-the-browser", "sk-second-key-of-the-browser"]
"#;

/// The response of the provider to a chat completion.
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-5","choices":[{"index":0,
    "message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#;

/// Recorded text that a page must never treat as more than text: tags, a URL, a terminal escape, a direction mark.
const HOSTILE: &str =
    "<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) \u{1b}[31m \u{202e} \u{fffd} ";

/// The size of the hostile texts in bytes.
const LONG: usize = 10 << 20;

/// Runs the scenarios, or prints that this machine has no browser. Screenshots are left in `target/e2e/screenshots`.
pub(super) async fn run(binary: &Path, tools: &Tools, installed: &Installed, target: &Path) -> Result<()> {
    let Some(chromium) = chromium() else {
        println!("browser: left out the dashboard in a browser, because this machine has no Chromium");
        return Ok(());
    };
    let provider = ScriptedProvider::start(respond).await;
    let launch = Launch::new(binary).config(format!("{SETTINGS}base_url = \"{}\"\n", provider.base_url()));
    fill(&mut std::io::sink(), binary, &launch.store_path(), FILLED).await?;
    let hostile = insert_hostile(&launch.store_path())?;
    let admin = token(&launch, binary, &["--user", "ops", "--admin"]).await?;
    let user = token(&launch, binary, &["--user", "ada"]).await?;
    let unused = Launch::new(binary).env("OPENAI_BASE_URL", provider.base_url());
    let unused = unused.env("OPENAI_API_KEY", "sk-key-of-the-empty-gateway");
    let (filled, empty) = (launch.start().await, unused.start().await);
    let script = installed.node.join(SCRIPT);
    std::fs::copy(assets().join(SCRIPT), &script)?;
    let mut command = Command::new(&tools.node);
    command.arg(script).arg(chromium).arg(filled.url()).args([admin, user]).arg(empty.url()).arg(hostile);
    command.arg(target.join("screenshots")).current_dir(&installed.node).stdin(Stdio::null());
    let status = command.kill_on_drop(true).status().await?;
    ensure!(status.success(), "a scenario of the dashboard failed\nthe gateway logged:\n{}", filled.stderr());
    for gateway in [filled, empty] {
        end(gateway).await;
    }
    Ok(())
}

/// Fails for the models of the live tail, and does not know the first key.
fn respond(received: &ReceivedRequest) -> Script {
    let model = received.json()["model"].as_str().unwrap_or_default().to_owned();
    if model.starts_with("live-") {
        return Script::json(500, r#"{"error":{"message":"It fails.","type":"server_error"}}"#);
    }
    match received.header("authorization") {
        Some(key) if key.contains("first-key") => Script::json(
            401,
            r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        ),
        _ => Script::json(200, ANSWER),
    }
}

async fn end(gateway: Gateway) {
    gateway.terminate();
    gateway.wait_exit().await;
}

fn chromium() -> Option<PathBuf> {
    super::tools::on_path("chromium").or_else(|| super::tools::on_path("chromium-browser"))
}

/// Creates an access token, and returns it.
async fn token(launch: &Launch, binary: &Path, words: &[&str]) -> Result<String> {
    let store = format!("sqlite:{}", launch.store_path().display());
    let end = ["--store", store.as_str()];
    let command = ["token", "create"].iter().chain(words).chain(&end).copied();
    let ended = command.fold(Launch::new(binary), |launch, word| launch.arg(word)).run().await;
    let line = ended.stdout.lines().next().map(str::to_owned);
    line.with_context(|| format!("no access token was created: {}", ended.stderr))
}

/// Records an interception whose texts try to be more than text, and returns its id.
fn insert_hostile(path: &Path) -> Result<String> {
    let connection = Connection::open(path)?;
    let millis = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64 - 60_000;
    let ids: Vec<String> = (1..5)
        .map(|number| format!("{:08x}-{:04x}-7000-8000-{number:012}", millis >> 16, millis & 0xffff))
        .collect();
    let at: String = connection.query_row(
        "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?1 / 1000.0, 'unixepoch')",
        [i64::try_from(millis)?],
        |row| row.get(0),
    )?;
    let long = HOSTILE.to_owned() + &"x".repeat(LONG);
    connection.execute(
        "INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, streaming, client, \
         client_session_id, user_agent, credential_kind, credential_hint, metadata, started_at, ended_at, outcome, \
         upstream_status) VALUES (?1, ?2, 'openai', 'openai', ?2, '/responses', 1, ?2, ?2, ?2, 'centralized', ?2, '{}', \
         ?3, ?3, 'completed', 200)",
        params![ids[0], HOSTILE, at],
    )?;
    connection.execute(
        "INSERT INTO aibridge_user_prompts (id, interception_id, prompt, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![ids[1], ids[0], long, at],
    )?;
    connection.execute(
        "INSERT INTO aibridge_tool_usages (id, interception_id, provider_tool_call_id, tool, server_url, input, injected, \
         invocation_error, created_at, metadata) VALUES (?1, ?2, ?3, ?3, ?4, ?3, 1, ?3, ?5, '{}')",
        params![ids[2], ids[0], long, HOSTILE, at],
    )?;
    connection.execute(
        "INSERT INTO aibridge_model_thoughts (id, interception_id, content, metadata, created_at) \
         VALUES (?1, ?2, ?3, '{\"source\":\"thinking\"}', ?4)",
        params![ids[3], ids[0], long, at],
    )?;
    Ok(ids[0].clone())
}
