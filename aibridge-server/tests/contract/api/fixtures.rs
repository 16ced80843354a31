//! Records with usage and tool calls, for the tests of sums and sessions. No tests.

use super::{Served, ended, prompt};
use aibridge_recorder::{Interception, Outcome, Record, TokenUsage, ToolUsage};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// The token usage of an interception.
pub(super) fn usage(interception_id: Uuid, input_tokens: i64) -> Record {
    Record::TokenUsage(TokenUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: None,
        input_tokens,
        output_tokens: 1,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
        extra_token_types: Default::default(),
        cost: None,
        charged: Default::default(),
        created_at: Timestamp::now(),
    })
}

/// A tool call of an interception.
pub(super) fn tool(interception_id: Uuid, tool: &str, input: &str) -> Record {
    Record::ToolUsage(Box::new(ToolUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: None,
        provider_tool_call_id: None,
        tool: tool.to_owned(),
        server_url: None,
        input: input.to_owned(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at: Timestamp::now(),
    }))
}

/// Records an interception that ended, with its prompt and usage, and returns its id.
pub(super) async fn record(served: &Served, one: Interception, outcome: Outcome) -> Uuid {
    let id = one.id;
    served
        .record(vec![Record::Start(one.into()), prompt(id, "why?"), usage(id, 10), ended(id, outcome)])
        .await;
    id
}

/// The rows of a page.
pub(super) fn rows(response: &Value) -> Vec<Value> {
    response["data"].as_array().unwrap().clone()
}
