use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A row of `aibridge_token_usages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUsage {
    /// A UUIDv7.
    pub id: Uuid,
    /// The interception that it belongs to.
    pub interception_id: Uuid,
    /// The provider's id of the answer, if it gave one.
    pub provider_response_id: Option<String>,
    /// Input tokens that were neither read from the provider's cache nor written to it.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Input tokens that were read from the provider's cache.
    pub cache_read_input_tokens: i64,
    /// Input tokens that were written to the provider's cache.
    pub cache_write_input_tokens: i64,
    /// Further counts by name, e.g. `completion_reasoning`.
    pub extra_token_types: BTreeMap<String, i64>,
    /// The cost that the provider states, a JSON number as the provider spells it: `cost` among the further counts.
    pub cost: Option<String>,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// A row of `aibridge_tool_usages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolUsage {
    /// A UUIDv7.
    pub id: Uuid,
    /// The interception that it belongs to.
    pub interception_id: Uuid,
    /// The provider's id of the answer, if it gave one.
    pub provider_response_id: Option<String>,
    /// The provider's id of the call, if it gave one.
    pub provider_tool_call_id: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The MCP server that an injected tool came from.
    pub server_url: Option<String>,
    /// The arguments: JSON text if they are JSON, else the string as it came.
    pub input: String,
    /// Whether the gateway added the tool to the request.
    pub injected: bool,
    /// Why an injected tool could not be called.
    pub invocation_error: Option<String>,
    /// Whether the end of `input` is missing: `truncated` in the column `metadata`.
    pub truncated: bool,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// A row of `aibridge_model_thoughts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelThought {
    /// A UUIDv7.
    pub id: Uuid,
    /// The interception that it belongs to.
    pub interception_id: Uuid,
    /// The text.
    pub content: String,
    /// Where in the answer it stood.
    pub source: ThoughtSource,
    /// Whether the end of `content` is missing: `truncated` in the column `metadata`.
    pub truncated: bool,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// Where in an answer a thought stood: `source` in the column `metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThoughtSource {
    /// Reasoning text beside a chat completion's content.
    Thinking,
    /// A summary of a reasoning item of a response.
    ReasoningSummary,
    /// A message that the model addressed to nobody: `phase: "commentary"`.
    Commentary,
}

impl ThoughtSource {
    /// The value of `source`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::ReasoningSummary => "reasoning_summary",
            Self::Commentary => "commentary",
        }
    }
}
