//! Tests of the lines that records become.

use super::*;
use aibridge_recorder::{CostStatus, CredentialKind, Outcome, ReasoningSource, UsageCost};
use aibridge_store::tables::{self, Table};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use tracing::subscriber::DefaultGuard;
use uuid::Uuid;

/// The text of the log.
type Text = Arc<Mutex<Vec<u8>>>;

struct Writer(Text);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures the log of this thread until it is dropped.
struct Log {
    text: Text,
    _guard: DefaultGuard,
}

impl Log {
    fn capture() -> Self {
        let text = Text::default();
        let writer = text.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = subscriber.with_writer(move || Writer(writer.clone())).finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines, without the time of the line itself.
    fn lines(&self) -> Vec<Map<String, Value>> {
        let text = String::from_utf8(self.text.lock().clone()).unwrap();
        let line = |line| {
            let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
            assert!(line.remove("timestamp").is_some(), "{line:?}");
            line
        };
        text.lines().map(line).collect()
    }
}

/// A recorder that stores nothing, and checks that nothing was logged before.
struct Store {
    log: Text,
    accepts: bool,
}

#[async_trait]
impl Recorder for Store {
    async fn record(&self, _: Vec<Record>) -> Result<(), RecorderError> {
        assert!(self.log.lock().is_empty(), "nothing is logged before it is stored");
        if self.accepts { Ok(()) } else { Err(RecorderError::unavailable("full")) }
    }
}

const ID: &str = "01890000-0000-7000-8000-000000000001";
const OF: &str = "01890000-0000-7000-8000-000000000002";
const AT: &str = "2026-01-02T03:04:05.678Z";

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn at() -> Timestamp {
    "2026-01-02T03:04:05.6789Z".parse().unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Returns a record of each kind with every field set, and its line.
fn all() -> Vec<(Record, Value)> {
    vec![
        (
            Record::Start(Arc::new(Interception {
                id: id(OF),
                initiator_id: "ann".into(),
                provider: "openai".into(),
                provider_name: "openai-eu".into(),
                model: "gpt-x".into(),
                route: "/responses".into(),
                streaming: true,
                client: "Codex".into(),
                client_session_id: some("session-1"),
                user_agent: some("codex/1"),
                credential_kind: CredentialKind::Byok,
                credential_hint: "sk-a...efgh".into(),
                correlating_tool_call_id: some("call-0"),
                metadata: BTreeMap::from([("team".into(), "r\"ed".into())]),
                started_at: at(),
            })),
            json!({
                "record_type": "interception_start", "interception_id": OF, "initiator_id": "ann",
                "provider": "openai", "provider_name": "openai-eu", "model": "gpt-x", "route": "/responses",
                "streaming": true, "client": "Codex", "client_session_id": "session-1", "user_agent": "codex/1",
                "credential_kind": "byok", "credential_hint": "sk-a...efgh", "correlating_tool_call_id": "call-0",
                "metadata": "{\"team\":\"r\\\"ed\"}", "started_at": AT,
            }),
        ),
        (
            Record::Prompt(UserPrompt {
                id: id(ID),
                interception_id: id(OF),
                prompt: "two\nlines \"quoted\" \0 \u{1b}[31m".into(),
                created_at: at(),
            }),
            json!({
                "record_type": "user_prompt", "id": ID, "interception_id": OF,
                "prompt": "two\nlines \"quoted\" \0 \u{1b}[31m", "created_at": AT,
            }),
        ),
        (
            Record::TokenUsage(TokenUsage {
                id: id(ID),
                interception_id: id(OF),
                provider_response_id: some("resp-1"),
                input_tokens: 1,
                output_tokens: 2,
                cache_read_input_tokens: 3,
                cache_write_input_tokens: i64::MAX,
                extra_token_types: BTreeMap::from([("output_reasoning".into(), 4.into())]),
                cost: some("1.5e-3"),
                charged: UsageCost {
                    cost_nano_usd: Some(1_500_000),
                    cost_status: CostStatus::Estimated,
                    price_id: some("prices:one"),
                    estimated_input_tokens: Some(5),
                    estimated_output_tokens: Some(6),
                },
                created_at: at(),
            }),
            json!({
                "record_type": "token_usage", "id": ID, "interception_id": OF, "provider_response_id": "resp-1",
                "input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3,
                "cache_write_input_tokens": i64::MAX, "extra_token_types": "{\"output_reasoning\":4}",
                "cost": "1.5e-3", "cost_nano_usd": 1_500_000, "cost_status": "estimated", "price_id": "prices:one",
                "estimated_input_tokens": 5, "estimated_output_tokens": 6, "created_at": AT,
            }),
        ),
        (
            Record::ToolUsage(Box::new(ToolUsage {
                id: id(ID),
                interception_id: id(OF),
                provider_response_id: some("resp-1"),
                provider_tool_call_id: some("call-1"),
                tool: "read_file".into(),
                server_url: some("http://mcp.test/"),
                input: "{\"path\":\"/etc/hosts\"}".into(),
                injected: true,
                invocation_error: some("refused"),
                truncated: true,
                created_at: at(),
            })),
            json!({
                "record_type": "tool_usage", "id": ID, "interception_id": OF, "provider_response_id": "resp-1",
                "provider_tool_call_id": "call-1", "tool": "read_file", "server_url": "http://mcp.test/",
                "input": "{\"path\":\"/etc/hosts\"}", "injected": true, "invocation_error": "refused",
                "truncated": true, "created_at": AT,
            }),
        ),
        (
            Record::Reasoning(Reasoning {
                id: id(ID),
                interception_id: id(OF),
                content: "hm".into(),
                source: ReasoningSource::ReasoningSummary,
                truncated: false,
                created_at: at(),
            }),
            json!({
                "record_type": "model_thought", "id": ID, "interception_id": OF, "content": "hm",
                "source": "reasoning_summary", "created_at": AT,
            }),
        ),
        (
            Record::Owner(ObjectOwner {
                provider_name: "openai-eu".into(),
                object_id: "resp-1".into(),
                initiator_id: "ann".into(),
                created_at: at(),
            }),
            json!({
                "record_type": "object_owner", "provider_name": "openai-eu", "object_id": "resp-1",
                "initiator_id": "ann", "created_at": AT,
            }),
        ),
        (
            Record::End(InterceptionEnd {
                interception_id: id(OF),
                outcome: Outcome::Failed(ErrorType::RateLimited),
                upstream_status: Some(429),
                credential_hint: some("sk-b...wxyz"),
                provider_response_id: some("resp-1"),
                ended_at: at(),
            }),
            json!({
                "record_type": "interception_end", "interception_id": OF, "outcome": "failed",
                "error_type": "rate_limited", "upstream_status": 429, "credential_hint": "sk-b...wxyz",
                "provider_response_id": "resp-1", "ended_at": AT,
            }),
        ),
    ]
}

async fn record(log: &Log, accepts: bool, records: Vec<Record>) -> Result<(), RecorderError> {
    RecordLog::new(Arc::new(Store { log: log.text.clone(), accepts })).record(records).await
}

#[tokio::test]
async fn every_record_is_a_line_with_all_its_fields() {
    let log = Log::capture();
    let (records, expected): (Vec<Record>, Vec<Value>) = all().into_iter().unzip();
    record(&log, true, records).await.unwrap();
    let expected: Vec<Map<String, Value>> = expected
        .into_iter()
        .map(|fields| {
            let mut line = json!({ "level": "INFO", "target": TARGET, "message": "interception log" });
            line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            line.as_object().unwrap().clone()
        })
        .collect();
    assert_eq!(log.lines(), expected);
}

#[tokio::test]
async fn missing_values_are_omitted() {
    let log = Log::capture();
    let ended = InterceptionEnd {
        interception_id: id(OF),
        outcome: Outcome::Completed,
        upstream_status: None,
        credential_hint: None,
        provider_response_id: None,
        ended_at: at(),
    };
    record(&log, true, vec![Record::End(ended)]).await.unwrap();
    let line = &log.lines()[0];
    assert_eq!((&line["outcome"], line.len()), (&"completed".into(), 7), "{line:?}");
}

#[tokio::test]
async fn records_that_were_not_stored_are_not_logged() {
    let log = Log::capture();
    let records = all().into_iter().map(|(record, _)| record).collect();
    assert!(record(&log, false, records).await.is_err());
    assert_eq!(log.lines(), []);
}

#[tokio::test]
async fn short_texts_are_cut() {
    let log = Log::capture();
    let long = "ß".repeat(3_000_000);
    let row = Interception {
        id: Uuid::now_v7(),
        initiator_id: "ann".into(),
        provider: "openai".into(),
        provider_name: "openai".into(),
        model: long.clone(),
        route: "/responses".into(),
        streaming: true,
        client: "Codex".into(),
        client_session_id: Some(long.clone()),
        user_agent: Some(long.clone()),
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: Some(long.clone()),
        metadata: BTreeMap::new(),
        started_at: Timestamp::now(),
    };
    let prompt = UserPrompt {
        id: Uuid::now_v7(),
        interception_id: row.id,
        prompt: long.clone(),
        created_at: Timestamp::now(),
    };
    let store = Arc::new(Store { log: log.text.clone(), accepts: true });
    let records = vec![Record::Start(row.into())];
    RecordLog::new(store).record(records).await.unwrap();
    let lines = log.lines();
    for name in ["model", "client_session_id", "user_agent", "correlating_tool_call_id"] {
        assert_eq!(lines[0][name], "ß".repeat(256), "{name}");
    }
    super::log(&Record::Prompt(prompt));
    assert_eq!(log.lines()[1]["prompt"], long, "prompts are not cut");
}

/// The fields of a line, by the description of the table that the record goes to.
fn described(record_type: &str) -> Vec<&'static str> {
    let inserted = |table: &'static Table| table.inserted().map(|column| column.name);
    let renamed = |from: &'static str, to: &'static str| move |name| if name == from { to } else { name };
    match record_type {
        "interception_start" => {
            inserted(&tables::INTERCEPTIONS).map(renamed("id", "interception_id")).collect()
        }
        "user_prompt" => inserted(&tables::USER_PROMPTS).collect(),
        "token_usage" => inserted(&tables::TOKEN_USAGES).chain(["cost"]).collect(),
        "tool_usage" => inserted(&tables::TOOL_USAGES).map(renamed("metadata", "truncated")).collect(),
        "model_thought" => inserted(&tables::MODEL_THOUGHTS).map(renamed("metadata", "source")).collect(),
        "object_owner" => inserted(&tables::OBJECT_OWNERS).collect(),
        "interception_end" => {
            let filled = tables::INTERCEPTIONS.columns.iter().filter(|column| column.is_filled_later);
            let others = ["interception_id", "credential_hint", "provider_response_id"];
            filled.map(|column| column.name).chain(others).collect()
        }
        other => panic!("no table for {other}"),
    }
}

#[test]
fn lines_have_the_columns_of_the_description() {
    for (_, line) in all() {
        let mut fields: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        fields.retain(|field| *field != "record_type");
        let mut expected = described(line["record_type"].as_str().unwrap());
        fields.sort_unstable();
        expected.sort_unstable();
        assert_eq!(fields, expected, "{}", line["record_type"]);
    }
}
