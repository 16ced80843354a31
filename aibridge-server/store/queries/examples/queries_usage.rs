//! Fills a temporary store with interceptions of two users, and prints their usage, and the latest interceptions.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_queries::{Order, Records, Usage, UsageKey};
use aibridge_recorder::{CredentialKind, Interception, Record, Recorder, TokenUsage};
use aibridge_sqlite::SqliteStore;
use aibridge_store_core::query::Filter;
use aibridge_store_core::{Options, StoreError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::error::Error;
use uuid::Uuid;

/// The records of an interception of `user` with `model`.
fn records(user: &str, model: &str, input_tokens: i64) -> Vec<Record> {
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let interception = Interception {
        id,
        initiator_id: user.into(),
        provider: "openai".into(),
        provider_name: "openai".into(),
        model: model.into(),
        route: "/responses".into(),
        streaming: true,
        client: "Codex".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: Default::default(),
        started_at: now,
    };
    let usage = TokenUsage {
        id: Uuid::now_v7(),
        interception_id: id,
        provider_response_id: None,
        input_tokens,
        output_tokens: 10,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
        extra_token_types: Default::default(),
        cost: None,
        charged: Default::default(),
        created_at: now,
    };
    vec![Record::Start(interception.into()), Record::TokenUsage(usage)]
}

async fn fill(options: Options) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(options)?;
    for (user, model, tokens) in [("ada", "gpt-5", 100), ("bob", "gpt-5", 50), ("ada", "gpt-5-mini", 7)] {
        store.record(records(user, model, tokens)).await?;
    }
    store.close().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let options = Options::new(directory.path().join("aibridge.db"));
    tokio::runtime::Runtime::new()?.block_on(fill(options.clone()))?;

    // Queries block, so they run outside of a runtime.
    let records = Records::open(&options)?;
    let mut usage = Usage::by(&[UsageKey::User], TimeZone::UTC);
    records.summaries(&Filter::default(), Order::OldestFirst, |row| {
        usage.add(&row);
        Ok::<_, StoreError>(true)
    })?;
    for row in usage.rows() {
        println!("{}", serde_json::to_string(&row)?);
    }
    let of_ada = Filter { user: Some("ada".into()), ..Filter::default() };
    records.summaries(&of_ada, Order::NewestFirst, |row| {
        println!("{}: {} input tokens", row.interception.model, row.tokens.input_tokens);
        Ok::<_, StoreError>(true)
    })?;
    Ok(())
}
