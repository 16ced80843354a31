//! The records API, `/api/v1/`.

mod abandoned_reads;
mod access;
mod document;
mod fixtures;
mod keys;
mod live;
mod load;
mod matrix;
mod own_records;
mod pages;
mod parameters;
mod timeline;
mod totals;

use crate::endpoints::KEYS;
use crate::harness::provider_settings;
use aibridge_recorder::{
    CredentialKind, ErrorType, Interception, InterceptionEnd, Outcome, ReasoningSource, Record, Recorder,
    TokenUsage, ToolUsage, UserPrompt,
};
use aibridge_store::{
    Durability, Heartbeat, JournalOptions, Options, PostgresOptions, Store, StoreOptions, Tls,
};
use aibridge_testkit::{Gateway, Launch, Postgres, RawClient, Response, ScriptedProvider};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use uuid::{NoContext, Uuid};

/// A running gateway, and a recorder beside it that acts as another gateway on the same database.
struct Served {
    gateway: Gateway,
    recorder: Store,
    postgres: Option<Postgres>,
}

/// Starts one gateway for each database that is installed.
async fn on_each_database() -> Vec<Served> {
    let mut all = vec![on_sqlite().await];
    all.extend(on_postgres().await);
    all
}

async fn on_sqlite() -> Served {
    on_sqlite_with(|launch| launch).await
}

async fn on_sqlite_with(configure: impl FnOnce(Launch) -> Launch) -> Served {
    let settings = provider_settings(&ScriptedProvider::unreachable_base_url().await, &KEYS);
    let gateway = configure(Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)).start().await;
    let mut options = Options::new(gateway.store().path());
    options.journal = waiting(options.journal.directory);
    let recorder = Store::open(StoreOptions::Sqlite(options)).await.unwrap();
    Served { gateway, recorder, postgres: None }
}

async fn on_postgres() -> Option<Served> {
    let server = Postgres::start().await?;
    let settings = provider_settings(&ScriptedProvider::unreachable_base_url().await, &KEYS);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).store(server.url());
    let (gateway, gateway_dir) = (launch.start().await, launch.dir().to_owned());
    let options = PostgresOptions {
        url: server.url().into(),
        display_url: "postgres://test".to_owned(),
        tls: Tls::Disable,
        timeout: Duration::from_millis(1800),
        journal: waiting(gateway_dir.join("other.journal")),
        heartbeat: Heartbeat::default(),
    };
    let recorder = Store::open(StoreOptions::Postgres(options)).await.unwrap();
    Some(Served { gateway, recorder, postgres: Some(server) })
}

/// A journal whose calls wait for the database.
fn waiting(directory: PathBuf) -> JournalOptions {
    JournalOptions { durability: Durability::Database, ..JournalOptions::new(directory) }
}

impl Served {
    async fn get(&self, target: &str) -> Response {
        RawClient::get(self.gateway.address(), &format!("/api/v1/{target}")).await
    }

    /// Gets `target`, checks for success, and returns the JSON.
    async fn get_ok(&self, target: &str) -> Value {
        let response = self.get(target).await;
        assert_eq!(response.status(), 200, "{target}: {}", response.text());
        response.json()
    }

    /// All rows of a list, read page by page.
    async fn all(&self, target: &str, limit: usize) -> Vec<Value> {
        let mut pages = Pages::of(target, limit);
        let mut rows = Vec::new();
        while let Some(page) = pages.next(self).await {
            rows.extend(page);
        }
        rows
    }

    /// The JSON that `aibridge WORDS --json` prints for the same store.
    async fn command(&self, words: &[&str]) -> Value {
        let store = match &self.postgres {
            Some(server) => server.url(),
            None => format!("sqlite:{}", self.gateway.launch().store_path().display()),
        };
        let all = words.iter().copied().chain(["--json", "--store", &store]);
        let ended = all.fold(Launch::new(env!("CARGO_BIN_EXE_aibridge")), Launch::arg).run().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    async fn record(&self, records: Vec<Record>) {
        self.recorder.record(records).await.unwrap();
    }
}

/// Iterates over the pages of a list.
struct Pages {
    target: String,
    cursor: Option<String>,
    is_over: bool,
}

impl Pages {
    fn of(target: &str, limit: usize) -> Self {
        let mark = if target.contains('?') { '&' } else { '?' };
        Self { target: format!("{target}{mark}limit={limit}"), cursor: None, is_over: false }
    }

    async fn next(&mut self, served: &Served) -> Option<Vec<Value>> {
        if self.is_over {
            return None;
        }
        let cursor = self.cursor.take().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let mut page = served.get_ok(&format!("{}{cursor}", self.target)).await;
        self.cursor = page["next_cursor"].as_str().map(str::to_owned);
        self.is_over = self.cursor.is_none();
        Some(std::mem::take(page["data"].as_array_mut().unwrap()))
    }
}

/// An interception that started `ago`.
fn interception(ago: Duration) -> Interception {
    let started_at = Timestamp::now() - SignedDuration::try_from(ago).unwrap();
    let millis = u64::try_from(started_at.as_millisecond()).unwrap();
    let nanos = u32::try_from(millis % 1000).unwrap() * 1_000_000;
    Interception {
        id: Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1000, nanos)),
        initiator_id: "ann".to_owned(),
        provider: "openai".to_owned(),
        provider_name: "openai".to_owned(),
        model: "gpt-5".to_owned(),
        route: "/responses".to_owned(),
        streaming: true,
        client: "Codex".to_owned(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at,
    }
}

fn prompt(id: Uuid, text: &str) -> Record {
    Record::Prompt(UserPrompt {
        id: Uuid::now_v7(),
        interception_id: id,
        prompt: text.to_owned(),
        created_at: Timestamp::now(),
    })
}

fn ended(id: Uuid, outcome: Outcome) -> Record {
    Record::End(InterceptionEnd {
        interception_id: id,
        outcome,
        upstream_status: Some(200),
        credential_hint: Some("sk-f...6789".to_owned()),
        provider_response_id: Some("resp_1".to_owned()),
        ended_at: Timestamp::now(),
    })
}

/// An interception with every field set and a row in every table.
fn full(ago: Duration) -> Vec<Record> {
    let one = Interception {
        client_session_id: Some("session-1".to_owned()),
        user_agent: Some("codex/1.0 \u{1b}[31m".to_owned()),
        correlating_tool_call_id: Some("call_0".to_owned()),
        metadata: [("team".to_owned(), "core".to_owned())].into(),
        ..interception(ago)
    };
    let interception_id = one.id;
    let (id, created_at) = (Uuid::now_v7, Timestamp::now());
    let provider_response_id = Some("resp_1".to_owned());
    let tool = ToolUsage {
        id: id(),
        interception_id,
        provider_response_id: provider_response_id.clone(),
        provider_tool_call_id: Some("call_1".to_owned()),
        tool: "shell".to_owned(),
        server_url: Some("https://mcp.test".to_owned()),
        input: r#"{"a":1}"#.to_owned(),
        injected: true,
        invocation_error: Some("refused".to_owned()),
        truncated: false,
        created_at,
    };
    let usage = TokenUsage {
        id: id(),
        interception_id,
        provider_response_id,
        input_tokens: 7,
        output_tokens: 3,
        cache_read_input_tokens: 5,
        cache_write_input_tokens: 1,
        extra_token_types: [("output_reasoning".to_owned(), 2.into())].into(),
        cost: None,
        charged: Default::default(),
        created_at,
    };
    let thought = aibridge_recorder::Reasoning {
        id: id(),
        interception_id,
        content: "hm".to_owned(),
        source: ReasoningSource::Thinking,
        truncated: false,
        created_at,
    };
    vec![
        Record::Start(one.into()),
        prompt(interception_id, "a secret question"),
        Record::TokenUsage(usage),
        Record::ToolUsage(Box::new(tool)),
        Record::Reasoning(thought),
        ended(interception_id, Outcome::Failed(ErrorType::StreamError)),
    ]
}
