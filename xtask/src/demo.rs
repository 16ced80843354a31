//! `cargo xtask demo`: three requests through the real binary, and what is on record afterwards.

mod provider;
mod show;
mod tables;

use crate::gateway;
use aibridge_testkit::{Gateway, Launch, RawClient, ScriptedProvider, request};
use anyhow::Result;
use clap::Args;
use provider::{CHAT, CHAT_TOOL, Conversation, RESPONSE_SHELL};
use show::Show;
use std::io::Write;

/// The key that the demo's provider takes; only its hint is shown.
const KEY: &str = "sk-demo-not-a-real-key";

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Use the optimised binary.
    #[arg(long)]
    release: bool,
}

/// Runs the demo and tells its story to `out`.
pub(crate) async fn run(options: &Options, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "Building the gateway …")?;
    let binary = gateway::build(options.release)?;
    let provider = ScriptedProvider::start(provider::answer).await;
    let launch = Launch::new(binary).config(settings(&provider));
    let gateway = launch.start().await;
    introduce(out, &provider, &gateway)?;

    let conversations = [
        ("A chat completion, answered in one piece", CHAT, "OpenAI/Python 3.54.0", None),
        (
            "A streamed chat completion; the model picks a tool of the client",
            CHAT_TOOL,
            "opencode/1.0.126",
            None,
        ),
        (
            "A streamed response; the model thinks and wants to run a command",
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
    writeln!(out, "\nThat file goes with the demo; `cargo run --release -p aibridge-server` keeps one.")?;
    gateway.terminate();
    gateway.wait_exit().await;
    Ok(())
}

fn settings(provider: &ScriptedProvider) -> String {
    format!("[[provider]]\ntype = \"openai\"\nbase_url = \"{}\"\nkeys = [\"{KEY}\"]\n", provider.base_url())
}

fn introduce(out: &mut dyn Write, provider: &ScriptedProvider, gateway: &Gateway) -> Result<()> {
    writeln!(out, "\nA scripted provider stands in for OpenAI at {}", provider.base_url())?;
    writeln!(out, "No API key is needed and nothing leaves this machine. The gateway says:\n")?;
    for line in gateway.stdout().lines() {
        writeln!(out, "  | {line}")?;
    }
    Ok(())
}

/// Sends a conversation's request the way a client does and shows the answer as it comes.
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
    let mut show = Show::new(out);
    show.question(&body)?;

    let json = [("Content-Type", "application/json"), ("Authorization", "Bearer what-the-SDK-insists-on")];
    let mut client = RawClient::connect(gateway.address()).await;
    client.send(&request("POST", &target, &[&json, headers].concat(), body.as_bytes())).await;
    let head = client.head().await;
    anyhow::ensure!(head.status == 200, "{} {:?}", head.status, client.read_to_end().await);
    while let Ok(piece) = client.piece().await {
        show.answer(&piece)?;
    }
    show.end()
}
