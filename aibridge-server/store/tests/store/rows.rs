//! The rows of stored records, cell by cell.

use crate::support::{TestDir, ended, interception, prompt, start, time};
use aibridge_recorder::{
    CredentialKind, ErrorType, Interception, InterceptionEnd, Outcome, Reasoning, ReasoningSource, Record,
    Recorder, TokenUsage, ToolUsage, UsageCost, UserPrompt,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const ID: &str = "019b7c5a-1e2e-7000-8000-00000000000a";

fn id(last: u8) -> Uuid {
    let base = u128::from_be_bytes(*Uuid::parse_str(ID).expect("an id").as_bytes());
    Uuid::from_u128(base & !0xff | u128::from(last))
}

#[tokio::test]
async fn a_complete_interception_reads_back_exactly() {
    let dir = TestDir::new();
    let store = dir.open();
    store.record(start_records()).await.expect("stored");
    assert_eq!(dir.rows("aibridge_interceptions"), [open_interception()]);
    assert_eq!(dir.rows("aibridge_user_prompts")[0]["provider_response_id"], Value::Null);

    store.record(end()).await.expect("stored");
    let mut closed = open_interception();
    closed["ended_at"] = json!("2026-01-02T03:04:09.000Z");
    closed["outcome"] = json!("failed");
    closed["error_type"] = json!("stream_error");
    closed["upstream_status"] = json!(200);
    closed["credential_hint"] = json!("sk-a...efgh");
    assert_eq!(dir.rows("aibridge_interceptions"), [closed]);
    assert_eq!(
        dir.rows("aibridge_user_prompts"),
        [json!({
            "id": "019b7c5a-1e2e-7000-8000-000000000001",
            "interception_id": ID,
            "provider_response_id": "resp_1",
            "prompt": "what's \"this\"?\nüß 🦀",
            "created_at": "2026-01-02T03:04:05.679Z",
        })]
    );
    assert_eq!(
        dir.rows("aibridge_token_usages"),
        [json!({
            "id": "019b7c5a-1e2e-7000-8000-000000000002",
            "interception_id": ID,
            "provider_response_id": "resp_1",
            "input_tokens": 1,
            "output_tokens": i64::MAX,
            "cache_read_input_tokens": 3,
            "cache_write_input_tokens": 0,
            "extra_token_types": "{\"output_reasoning\":5,\"total_tokens\":9}",
            "created_at": "2026-01-02T03:04:08.000Z",
            "cost_nano_usd": null,
            "cost_status": "unpriced",
            "price_id": null,
            "estimated_input_tokens": null,
            "estimated_output_tokens": null,
        })]
    );
    assert_eq!(
        dir.rows("aibridge_tool_usages"),
        [
            json!({
                "id": "019b7c5a-1e2e-7000-8000-000000000003",
                "interception_id": ID,
                "provider_response_id": "resp_1",
                "provider_tool_call_id": "call_1",
                "tool": "shell",
                "server_url": null,
                "input": "{ \"cmd\" : [1.0e2] }",
                "injected": 0,
                "invocation_error": null, "metadata": "{}",
                "created_at": "2026-01-02T03:04:08.000Z",
            }),
            json!({
                "id": "019b7c5a-1e2e-7000-8000-000000000004",
                "interception_id": ID,
                "provider_response_id": null,
                "provider_tool_call_id": null,
                "tool": "jira_search",
                "server_url": "https://mcp.example.org",
                "input": "no json",
                "injected": 1,
                "invocation_error": "timed out", "metadata": "{}",
                "created_at": "2026-01-02T03:04:08.000Z",
            }),
        ]
    );
    let thoughts = dir.rows("aibridge_model_thoughts");
    assert_eq!(
        thoughts[0],
        json!({
            "id": "019b7c5a-1e2e-7000-8000-000000000005",
            "interception_id": ID,
            "content": "hm",
            "metadata": "{\"source\":\"reasoning_summary\"}",
            "created_at": "2026-01-02T03:04:08.000Z",
        })
    );
    assert_eq!(thoughts[1]["metadata"], json!("{\"source\":\"thinking\"}"));
    assert_eq!(thoughts[2]["metadata"], json!("{\"source\":\"commentary\"}"));
    store.close().await;
}

pub(crate) fn start_records() -> Vec<Record> {
    let interception = Interception {
        id: id(10),
        client_session_id: Some("session".to_owned()),
        user_agent: Some("codex/1".to_owned()),
        correlating_tool_call_id: Some("call_0".to_owned()),
        metadata: BTreeMap::from([("team".to_owned(), "\"blue\"".to_owned())]),
        started_at: time("2026-01-02T03:04:05.678999Z"),
        ..interception()
    };
    let prompt = UserPrompt {
        id: id(1),
        interception_id: id(10),
        prompt: "what's \"this\"?\nüß 🦀".to_owned(),
        created_at: time("2026-01-02T03:04:05.679Z"),
    };
    vec![Record::Start(interception.into()), Record::Prompt(prompt)]
}

fn open_interception() -> Value {
    json!({
        "id": ID,
        "initiator_id": "ada",
        "provider": "openai",
        "provider_name": "openai",
        "model": "gpt-5",
        "route": "/responses",
        "streaming": 1,
        "client": "Codex",
        "client_session_id": "session",
        "user_agent": "codex/1",
        "credential_kind": "centralized",
        "credential_hint": "",
        "correlating_tool_call_id": "call_0",
        "metadata": "{\"team\":\"\\\"blue\\\"\"}",
        "started_at": "2026-01-02T03:04:05.678Z",
        "ended_at": null,
        "outcome": null,
        "error_type": null,
        "upstream_status": null,
    })
}

pub(crate) fn end() -> Vec<Record> {
    let created_at = time("2026-01-02T03:04:08Z");
    let usage = TokenUsage {
        id: id(2),
        interception_id: id(10),
        provider_response_id: Some("resp_1".to_owned()),
        input_tokens: 1,
        output_tokens: i64::MAX,
        cache_read_input_tokens: 3,
        cache_write_input_tokens: 0,
        extra_token_types: BTreeMap::from([
            ("total_tokens".to_owned(), 9.into()),
            ("output_reasoning".to_owned(), 5.into()),
        ]),
        cost: None,
        charged: UsageCost::default(),
        created_at,
    };
    let client_tool = ToolUsage {
        id: id(3),
        interception_id: id(10),
        provider_response_id: Some("resp_1".to_owned()),
        provider_tool_call_id: Some("call_1".to_owned()),
        tool: "shell".to_owned(),
        server_url: None,
        input: "{ \"cmd\" : [1.0e2] }".to_owned(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at,
    };
    let injected_tool = ToolUsage {
        id: id(4),
        provider_response_id: None,
        provider_tool_call_id: None,
        tool: "jira_search".to_owned(),
        server_url: Some("https://mcp.example.org".to_owned()),
        input: "no json".to_owned(),
        injected: true,
        invocation_error: Some("timed out".to_owned()),
        truncated: false,
        ..client_tool.clone()
    };
    let sources = [ReasoningSource::ReasoningSummary, ReasoningSource::Thinking, ReasoningSource::Commentary];
    let thoughts = sources.into_iter().zip(5..).map(|(source, last)| {
        let content = "hm".to_owned();
        Record::Reasoning(Reasoning {
            id: id(last),
            interception_id: id(10),
            content,
            source,
            truncated: false,
            created_at,
        })
    });
    let ended = InterceptionEnd {
        interception_id: id(10),
        outcome: Outcome::Failed(ErrorType::StreamError),
        upstream_status: Some(200),
        credential_hint: Some("sk-a...efgh".to_owned()),
        provider_response_id: Some("resp_1".to_owned()),
        ended_at: time("2026-01-02T03:04:09Z"),
    };
    let mut records = vec![
        Record::TokenUsage(usage),
        Record::ToolUsage(client_tool.into()),
        Record::ToolUsage(injected_tool.into()),
    ];
    records.extend(thoughts);
    records.push(Record::End(ended));
    records
}

#[tokio::test]
async fn an_end_without_a_hint_keeps_the_byok_hint() {
    let dir = TestDir::new();
    let store = dir.open();
    let byok = Interception {
        credential_kind: CredentialKind::Byok,
        credential_hint: "sk-m...mine".to_owned(),
        streaming: false,
        ..interception()
    };
    let end = InterceptionEnd { outcome: Outcome::Cancelled, upstream_status: None, ..ended(byok.id) };
    store.record(vec![Record::Start(byok.into()), Record::End(end)]).await.expect("stored");
    let row = &dir.rows("aibridge_interceptions")[0];
    assert_eq!(row["credential_hint"], "sk-m...mine");
    assert_eq!(row["credential_kind"], "byok");
    assert_eq!(row["streaming"], 0);
    assert_eq!(row["outcome"], "cancelled");
    assert_eq!((&row["error_type"], &row["upstream_status"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_interception_ends_only_once() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    store.record(records).await.expect("stored");
    store.record(vec![Record::End(ended(id))]).await.expect("stored");
    let first = dir.rows("aibridge_interceptions");

    let again = InterceptionEnd {
        outcome: Outcome::Failed(ErrorType::Shutdown),
        upstream_status: Some(500),
        credential_hint: Some("other".to_owned()),
        provider_response_id: Some("other".to_owned()),
        ..ended(id)
    };
    store.record(vec![Record::End(again)]).await.expect_err("it has ended");
    assert_eq!(dir.rows("aibridge_interceptions"), first);
    assert_eq!(dir.rows("aibridge_user_prompts")[0]["provider_response_id"], Value::Null);
}

const DIRTY: &str = "\0a\u{1}\u{1b}\u{7f}b\0";
const CLEAN: &str = "\u{fffd}a\u{1}\u{1b}\u{7f}b\u{fffd}";

/// An interception with a NUL in every text.
pub(crate) fn dirty_records() -> Vec<Record> {
    let dirty = || DIRTY.to_owned();
    let interception = Interception {
        initiator_id: dirty(),
        provider: dirty(),
        provider_name: dirty(),
        model: dirty(),
        route: dirty(),
        client: dirty(),
        client_session_id: Some(dirty()),
        user_agent: Some(dirty()),
        credential_hint: dirty(),
        correlating_tool_call_id: Some(dirty()),
        metadata: BTreeMap::from([(dirty(), dirty())]),
        ..interception()
    };
    let interception_id = interception.id;
    let created_at = interception.started_at;
    let response = Some(dirty());
    vec![
        Record::Start(interception.into()),
        Record::Prompt(UserPrompt { prompt: dirty(), ..prompt(interception_id) }),
        Record::TokenUsage(TokenUsage {
            id: Uuid::now_v7(),
            interception_id,
            provider_response_id: response.clone(),
            input_tokens: 0,
            output_tokens: 0,
            cache_read_input_tokens: 0,
            cache_write_input_tokens: 0,
            extra_token_types: BTreeMap::from([(dirty(), 1.into())]),
            cost: None,
            charged: UsageCost::default(),
            created_at,
        }),
        Record::ToolUsage(Box::new(ToolUsage {
            id: Uuid::now_v7(),
            interception_id,
            provider_response_id: response.clone(),
            provider_tool_call_id: Some(dirty()),
            tool: dirty(),
            server_url: Some(dirty()),
            input: dirty(),
            injected: true,
            invocation_error: Some(dirty()),
            truncated: false,
            created_at,
        })),
        Record::Reasoning(Reasoning {
            id: Uuid::now_v7(),
            interception_id,
            content: dirty(),
            source: ReasoningSource::Thinking,
            truncated: false,
            created_at,
        }),
        Record::End(InterceptionEnd {
            credential_hint: Some(dirty()),
            provider_response_id: response,
            ..ended(interception_id)
        }),
    ]
}

#[tokio::test]
async fn nul_is_replaced_in_every_text_column_and_other_control_characters_are_kept() {
    let dir = TestDir::new();
    let store = dir.open();
    store.record(dirty_records()).await.expect("stored");

    let tables = [
        ("interceptions", 10),
        ("user_prompts", 2),
        ("token_usages", 1),
        ("tool_usages", 6),
        ("model_thoughts", 1),
    ];
    for (table, expected) in tables {
        let row = &dir.rows(&format!("aibridge_{table}"))[0];
        assert!(!row.to_string().contains("\\u0000"), "{table}: {row}");
        let clean = row.as_object().expect("a row").values().filter(|cell| *cell == CLEAN).count();
        assert_eq!(clean, expected, "{table}: {row}");
    }
    let json_columns = [
        ("interceptions", "metadata", json!({ CLEAN: CLEAN })),
        ("token_usages", "extra_token_types", json!({ CLEAN: 1 })),
    ];
    for (table, column, expected) in json_columns {
        let row = &dir.rows(&format!("aibridge_{table}"))[0];
        let stored: Value = serde_json::from_str(row[column].as_str().expect("text")).expect("JSON");
        assert_eq!(stored, expected);
    }
}
