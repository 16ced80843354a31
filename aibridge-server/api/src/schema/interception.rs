use super::Tokens;
use jiff::Timestamp;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of interceptions.
#[derive(ToSchema)]
pub struct InterceptionPage {
    /// The rows.
    pub data: Vec<InterceptionSummary>,
    /// Where the next page begins; `null` if this is the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// One client request on a bridged route.
#[derive(ToSchema)]
pub struct Interception {
    /// Also in the answer's header `X-AIBridge-Interception-Id`; ids are in the order in which they were made.
    pub id: Uuid,
    /// On whose behalf: the user of the gateway token, or `anonymous`.
    pub initiator_id: String,
    /// The provider's type.
    #[schema(example = "openai")]
    pub provider: String,
    /// The provider's configured name.
    pub provider_name: String,
    /// As the client named it; `unknown` if it named none.
    pub model: String,
    /// The bridged route.
    #[schema(example = "/chat/completions")]
    pub route: String,
    /// Whether the client asked for a stream.
    pub streaming: bool,
    /// The client program, or `Unknown`.
    pub client: String,
    /// The client's own id of its session.
    #[schema(required)]
    pub client_session_id: Option<String>,
    /// The client's `User-Agent`.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// Whose key it was.
    pub credential_kind: CredentialKind,
    /// The masked key that answered, or the last one tried; empty if there was none yet.
    pub credential_hint: String,
    /// The tool call whose result this request brings.
    #[schema(required)]
    pub correlating_tool_call_id: Option<String>,
    /// What else is known about the initiator.
    pub metadata: BTreeMap<String, String>,
    /// When the request was accepted.
    pub started_at: Timestamp,
    /// When its answer was over; `null` while it is open.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// How it ended; `null` while it is open.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Why it failed.
    #[schema(required, example = "rate_limited")]
    pub error_type: Option<String>,
    /// The last HTTP status of the provider, if there was one.
    #[schema(required)]
    pub upstream_status: Option<u16>,
}

/// Whose key.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A key of the gateway.
    Centralized,
    /// The client's own.
    Byok,
}

/// How an interception ended.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Outcome {
    /// The client has the answer.
    Completed,
    /// The gateway or the provider failed.
    Failed,
    /// The client left.
    Cancelled,
}

/// An interception with what it cost.
#[derive(ToSchema)]
pub struct InterceptionSummary {
    /// Its row.
    #[serde(flatten)]
    pub interception: Interception,
    /// The sum of its token usages.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// An interception with all that belongs to it, each in the order in which it was made.
#[derive(ToSchema)]
pub struct FullInterception {
    /// Its row.
    #[serde(flatten)]
    pub interception: Interception,
    /// What was asked.
    pub user_prompts: Vec<UserPrompt>,
    /// What it cost.
    pub token_usages: Vec<TokenUsage>,
    /// Which tools were picked.
    pub tool_usages: Vec<ToolUsage>,
    /// What was thought aloud.
    pub model_thoughts: Vec<ModelThought>,
}

/// What the user asked.
#[derive(ToSchema)]
pub struct UserPrompt {
    /// Its own id.
    pub id: Uuid,
    /// The provider's id of the answer, from its end on.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The text, in full.
    pub prompt: String,
    /// When it was read.
    pub created_at: Timestamp,
}

/// What an answer cost.
#[derive(ToSchema)]
pub struct TokenUsage {
    /// Its own id.
    pub id: Uuid,
    /// The provider's id of the answer.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The counts.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Further counts, parts of the others, and the `cost` that the provider states.
    pub extra_token_types: BTreeMap<String, f64>,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// A tool that the model picked.
#[derive(ToSchema)]
pub struct ToolUsage {
    /// Its own id.
    pub id: Uuid,
    /// The provider's id of the answer.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The provider's id of the call, which the request with its result repeats.
    #[schema(required)]
    pub provider_tool_call_id: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The MCP server that an injected tool came from.
    #[schema(required)]
    pub server_url: Option<String>,
    /// The arguments as they came, mostly JSON.
    pub input: String,
    /// Whether the gateway added the tool and ran it.
    pub injected: bool,
    /// Why an injected tool could not be called.
    #[schema(required)]
    pub invocation_error: Option<String>,
    /// When it was learnt.
    pub created_at: Timestamp,
    /// `truncated`: true if the end of `input` is missing.
    pub metadata: BTreeMap<String, bool>,
}

/// What the model thought aloud.
#[derive(ToSchema)]
pub struct ModelThought {
    /// Its own id.
    pub id: Uuid,
    /// The text.
    pub content: String,
    /// Its `source`, and whether its end is missing.
    pub metadata: ThoughtMetadata,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// What is to be known about a thought.
#[derive(ToSchema)]
pub struct ThoughtMetadata {
    /// `thinking`, `reasoning_summary` or `commentary`.
    pub source: String,
    /// Whether the end of `content` is missing; left out if not.
    pub truncated: Option<bool>,
}
