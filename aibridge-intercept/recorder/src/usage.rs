//! The usage of a response: tokens and tool calls.

use crate::UsageCost;
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
    /// Other counts and properties by name, e.g. `completion_reasoning` or `service_tier`.
    pub extra_token_types: BTreeMap<String, ExtraValue>,
    /// The cost that the provider reports, as the JSON number in its response: `cost` among the other counts.
    pub cost: Option<String>,
    /// The cost of the response, by the prices of the gateway or by the provider's own statement.
    #[serde(default)]
    pub charged: UsageCost,
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
    /// The MCP server that runs the tool: that of an injected tool, or the provider's name of one that it calls itself.
    pub server_url: Option<String>,
    /// The arguments: JSON text if they are JSON, otherwise the string that the response contains.
    pub input: String,
    /// Whether the tool is an injected tool, which the gateway runs, rather than a client tool.
    pub injected: bool,
    /// The error message of an injected tool that failed.
    pub invocation_error: Option<String>,
    /// Whether a text is cut or missing, or later tool calls have no rows: `truncated` in the column `metadata`.
    pub truncated: bool,
    /// The time at which the response was read.
    pub created_at: Timestamp,
}

/// A value of [`TokenUsage::extra_token_types`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ExtraValue {
    /// A count of tokens or requests.
    Count(i64),
    /// A property of the response that its price depends on, e.g. the service tier.
    Text(String),
}

impl ExtraValue {
    /// The count; `None` for a text.
    pub fn count(&self) -> Option<i64> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Text(_) => None,
        }
    }

    /// The text; `None` for a count.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Count(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

impl From<i64> for ExtraValue {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<&str> for ExtraValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
