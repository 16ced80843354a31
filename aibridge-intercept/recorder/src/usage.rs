//! The usage of a response: tokens and tool calls.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A row of `aibridge_token_usages`: the token counts of one response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// The id of the row, a UUIDv7.
    pub id: Uuid,
    /// The interception that the row belongs to.
    pub interception_id: Uuid,
    /// The provider's id of the response, if it has one.
    pub provider_response_id: Option<String>,
    /// Input tokens that were neither read from the provider's cache nor written to it.
    pub input_tokens: i64,
    /// Output tokens, reasoning included.
    pub output_tokens: i64,
    /// Input tokens that were read from the provider's cache.
    pub cache_read_input_tokens: i64,
    /// Input tokens that were written to the provider's cache.
    pub cache_write_input_tokens: i64,
    /// Other counts by name, e.g. `completion_reasoning`.
    pub extra_token_types: BTreeMap<String, i64>,
    /// The cost that the provider reports, as the JSON number in its response: `cost` among the other counts.
    pub cost: Option<String>,
    /// The time at which the response was read.
    pub created_at: Timestamp,
}

/// A row of `aibridge_tool_usages`: one tool call of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUsage {
    /// The id of the row, a UUIDv7.
    pub id: Uuid,
    /// The interception that the row belongs to.
    pub interception_id: Uuid,
    /// The provider's id of the response, if it has one.
    pub provider_response_id: Option<String>,
    /// The provider's id of the tool call, if it has one.
    pub provider_tool_call_id: Option<String>,
    /// The name of the tool.
    pub tool: String,
    /// The MCP server of an injected tool.
    pub server_url: Option<String>,
    /// The arguments: JSON text if they are JSON, otherwise the string that the response contains.
    pub input: String,
    /// Whether the tool is an injected tool, which the gateway runs, rather than a client tool.
    pub injected: bool,
    /// The error message of an injected tool that failed.
    pub invocation_error: Option<String>,
    /// Whether the end of `input` is missing: `truncated` in the column `metadata`.
    pub truncated: bool,
    /// The time at which the response was read.
    pub created_at: Timestamp,
}
