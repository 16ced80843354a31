//! `cargo xtask demo`: sends three requests through the real binary and prints its records, or fills a store.

use crate::fill;
use crate::provider::{self, CHAT, CHAT_TOOL, Conversation, RESPONSE_SHELL};
use crate::tables;
use crate::transcript::Transcript;
use aibridge_testkit::{Gateway, Launch, RawClient, ScriptedProvider, request};
use aibridge_workspace::gateway;
use anyhow::Result;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The provider key of the demo. The output shows its masked form only.
const KEY: &str = "sk-demo-not-a-real-key";

/// The options of the command.
#[derive(Args, Default)]
pub struct Options {
    /// Uses the optimised binary.
    #[arg(long)]
    release: bool,
    /// Fills a SQLite store with about this many made-up interceptions instead, to look at in the dashboard.
    #[arg(long, value_name = "COUNT")]
    fill: Option<usize>,
    /// The store to fill; it must not exist.
    #[arg(long, value_name = "FILE", default_value = "target/demo.db", requires = "fill")]
    output: PathBuf,
}

/// Runs the demo and writes its output to `out`.
///
/// # Errors
///
/// If the gateway cannot be built, or the store cannot be filled.
pub async fn run(options: &Options, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "Building the gateway …")?;
    let binary = gateway::build(options.release)?;
    if let Some(count) = options.fill {
        return fill(out, &binary, &options.output, count).await;
    }
    let provider = ScriptedProvider::start(provider::respond).await;
    let launch = Launch::new(binary).config(settings(&provider));
    let gateway = launch.start().await;
    introduce(out, &provider, &gateway)?;

    let conversations = [
        ("A chat completion without streaming", CHAT, "OpenAI/Python 3.54.0", None),
        (
            "A streamed chat completion; the model calls a tool of the client",
            CHAT_TOOL,
            "opencode/1.0.126",
            None,
        ),
        (
            "A streamed response; the model reasons and calls the shell",
            RESPONSE_SHELL,
            "codex_cli_rs/0.63.0",
            Some(("session_id", "019a7c1e-5b0a-7d43-9c55-2f1d8e6b7a10")),
        ),
    ];
    for (number, (title, conversation, agent, session)) in (1..).zip(conversations) {
        writeln!(out, "\n{number}. {title}")?;
        let headers = [Some(("User-Agent", agent)), session].into_iter().flatten().collect::<Vec<_>>();
        converse(out, &gateway, conversation, &headers).await?;
    }

    tables::print(out, &gateway.store(), conversations.len()).await?;
    writeln!(
        out,
        "\nThe demo deletes this file. `cargo run --release -p aibridge-server` keeps its records in `aibridge.db`."
    )?;
    gateway.terminate();
    gateway.wait_exit().await;
    Ok(())
}

fn settings(provider: &ScriptedProvider) -> String {
    format!("[[provider]]\ntype = \"openai\"\nbase_url = \"{}\"\nkeys = [\"{KEY}\"]\n", provider.base_url())
}

fn introduce(out: &mut dyn Write, provider: &ScriptedProvider, gateway: &Gateway) -> Result<()> {
    writeln!(out, "\nA scripted provider stands in for OpenAI at {}", provider.base_url())?;
    writeln!(out, "It needs no API key, and nothing leaves this machine. The gateway prints:\n")?;
    for line in gateway.stdout().lines() {
        writeln!(out, "  | {line}")?;
    }
    Ok(())
}

/// Sends the request of a conversation as a client does, and prints the response while it arrives.
async fn converse(
    out: &mut dyn Write,
    gateway: &Gateway,
    conversation: Conversation,
    headers: &[(&str, &str)],
) -> Result<()> {
    let (target, body) = (conversation.target(), conversation.request());
    writeln!(out, "   POST {}{target}", gateway.url())?;
    writeln!(
        out,
        "   {}",
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
    )?;
    let mut transcript = Transcript::new(out);
    transcript.request(&body)?;

    let json = [("Content-Type", "application/json"), ("Authorization", "Bearer placeholder-for-the-SDK")];
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(&request("POST", &target, &[&json, headers].concat(), body.as_bytes())).await;
    let head = client.head().await;
    anyhow::ensure!(head.status == 200, "{} {:?}", head.status, client.read_to_end().await);
    while let Ok(piece) = client.piece().await {
        transcript.response(&piece)?;
    }
    transcript.end()
}
