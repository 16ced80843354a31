//! The records that a readiness probe writes and then undoes: one row in every table that requests write to.

use aibridge_recorder::{
    CredentialKind, Interception, InterceptionEnd, ObjectOwner, Outcome, Reasoning, ReasoningSource, Record,
    TokenUsage, ToolUsage, UsageCost, UserPrompt,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Larger than the part of a row that SQLite keeps on the page of the row, so that the probe fails when the database
/// file cannot grow.
const PROMPT_BYTES: usize = 5 << 10;

/// All records of a probe interception, and its id.
pub fn records() -> (Uuid, Vec<Record>) {
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let interception = Interception {
        id,
        initiator_id: "probe".to_owned(),
        provider: String::new(),
        provider_name: String::new(),
        model: String::new(),
        route: String::new(),
        streaming: false,
        client: String::new(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: now,
    };
    let prompt = UserPrompt { id, interception_id: id, prompt: "x".repeat(PROMPT_BYTES), created_at: now };
    let usage = TokenUsage {
        cost: None,
        charged: UsageCost::default(),
        id,
        interception_id: id,
        provider_response_id: None,
        input_tokens: 0,
        output_tokens: 0,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
        extra_token_types: BTreeMap::new(),
        created_at: now,
    };
    let tool = ToolUsage {
        truncated: false,
        id,
        interception_id: id,
        provider_response_id: None,
        provider_tool_call_id: None,
        tool: String::new(),
        server_url: None,
        input: String::new(),
        injected: false,
        invocation_error: None,
        created_at: now,
    };
    let thought = Reasoning {
        truncated: false,
        id,
        interception_id: id,
        content: String::new(),
        source: ReasoningSource::Thinking,
        created_at: now,
    };
    let ended = InterceptionEnd {
        interception_id: id,
        outcome: Outcome::Completed,
        upstream_status: None,
        credential_hint: None,
        provider_response_id: Some(String::new()),
        ended_at: now,
    };
    let owner = ObjectOwner {
        provider_name: String::new(),
        object_id: id.to_string(),
        initiator_id: String::new(),
        created_at: now,
    };
    let records = vec![
        Record::Owner(owner),
        Record::Start(interception.into()),
        Record::Prompt(prompt),
        Record::TokenUsage(usage),
        Record::ToolUsage(tool.into()),
        Record::Reasoning(thought),
        Record::End(ended),
    ];
    (id, records)
}
