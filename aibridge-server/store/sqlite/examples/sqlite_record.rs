//! Records an interception in a temporary SQLite file, and reads it back as another process would.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_recorder::{
    CredentialKind, Interception, InterceptionEnd, Outcome, Record, Recorder, UserPrompt,
};
use aibridge_sqlite::{SqliteRecords, SqliteStore};
use aibridge_store_core::Options;
use jiff::Timestamp;
use std::error::Error;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let options = Options::new(directory.path().join("aibridge.db"));
    let store = SqliteStore::open(options.clone())?;

    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let interception = Interception {
        id,
        initiator_id: "ada".into(),
        provider: "openai".into(),
        provider_name: "openai".into(),
        model: "gpt-5".into(),
        route: "/responses".into(),
        streaming: true,
        client: "Codex".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: "sk-...cdef".into(),
        correlating_tool_call_id: None,
        metadata: Default::default(),
        started_at: now,
    };
    let prompt =
        UserPrompt { id: Uuid::now_v7(), interception_id: id, prompt: "Hello".into(), created_at: now };
    store.record(vec![Record::Start(interception.into()), Record::Prompt(prompt)]).await?;
    let end = InterceptionEnd {
        interception_id: id,
        outcome: Outcome::Completed,
        upstream_status: Some(200),
        credential_hint: None,
        provider_response_id: Some("resp_1".into()),
        ended_at: Timestamp::now(),
    };
    store.record(vec![Record::End(end)]).await?;
    // Both calls are durable in the journal, and in the file some milliseconds later.
    println!("projected: {}", store.wait_until_projected(Duration::from_secs(5)).await);

    let records = SqliteRecords::open(&options, CancellationToken::new())?;
    let found = records.find(id)?.ok_or("the interception is missing")?;
    println!("{}", serde_json::to_string_pretty(&found)?);
    store.close().await;
    Ok(())
}
