//! Schemas of interceptions and their records.

use super::Tokens;
use jiff::Timestamp;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of interceptions.
#[derive(ToSchema)]
pub struct InterceptionPage {
    /// The interceptions of this page.
    pub data: Vec<InterceptionSummary>,
    /// The cursor of the next page; `null` on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// One client request on a bridged route.
#[derive(ToSchema)]
pub struct Interception {
    /// The id, also in the response header `X-AIBridge-Interception-Id`. Ids are ordered by the time of the start.
    pub id: Uuid,
    /// The actor: the user of the access token, or `anonymous`.
    pub initiator_id: String,
    /// The type of the provider.
    #[schema(example = "openai")]
    pub provider: String,
    /// The configured name of the provider.
    pub provider_name: String,
    /// The model as the client spelled it; `unknown` if the request names none.
    pub model: String,
    /// The route of the request.
    #[schema(example = "/chat/completions")]
    pub route: String,
    /// Whether the client requested a stream.
    pub streaming: bool,
    /// The client program, or `Unknown`.
    pub client: String,
    /// The id that the client gave its session.
    #[schema(required)]
    pub client_session_id: Option<String>,
    /// The `User-Agent` header of the client.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// The kind of the provider key.
    pub credential_kind: CredentialKind,
    /// The masked key whose response was relayed, or the last key that was tried; empty if no key was tried yet.
    pub credential_hint: String,
    /// The id of the tool call whose result this request contains.
    #[schema(required)]
    pub correlating_tool_call_id: Option<String>,
    /// Further attributes of the actor.
    pub metadata: BTreeMap<String, String>,
    /// The time at which the request was accepted.
    pub started_at: Timestamp,
    /// The time at which the response ended; `null` while the interception is open.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// The outcome; `null` while the interception is open.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// The cause of a failure.
    #[schema(required, example = "rate_limited")]
    pub error_type: Option<String>,
    /// The HTTP status of the provider's response that was relayed, else of its last response; `null` if there was none.
    #[schema(required)]
    pub upstream_status: Option<u16>,
}

/// The owner of a provider key.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A key of the gateway.
    Centralized,
    /// The client's own key.
    Byok,
}

/// The outcome of an interception.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Outcome {
    /// The client received the whole response.
    Completed,
    /// The gateway or the provider failed.
    Failed,
    /// The client disconnected before the end.
    Cancelled,
}

/// An interception with its token counts.
#[derive(ToSchema)]
pub struct InterceptionSummary {
    /// The columns of the interception.
    #[serde(flatten)]
    pub interception: Interception,
    /// The sums of its token counts.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// An interception with all its records, each list in the order of creation.
#[derive(ToSchema)]
pub struct FullInterception {
    /// The columns of the interception.
    #[serde(flatten)]
    pub interception: Interception,
    /// The prompts of the user.
    pub user_prompts: Vec<UserPrompt>,
    /// The token counts of the response.
    pub token_usages: Vec<TokenUsage>,
    /// The tool calls of the model.
    pub tool_usages: Vec<ToolUsage>,
    /// The reasoning in the response.
    pub model_thoughts: Vec<ModelThought>,
}

/// A prompt of the user.
#[derive(ToSchema)]
pub struct UserPrompt {
    /// The id of this record.
    pub id: Uuid,
    /// The provider's id of the response; `null` until the response ends.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The whole text of the prompt.
    pub prompt: String,
    /// The time at which the prompt was read.
    pub created_at: Timestamp,
}

/// The token counts of a response.
#[derive(ToSchema)]
pub struct TokenUsage {
    /// The id of this record.
    pub id: Uuid,
    /// The provider's id of the response.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The token counts by kind.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Further counts, which are parts of the other counts, properties of the response that decide its price, and the
    /// `cost` that the provider states.
    pub extra_token_types: BTreeMap<String, ExtraValue>,
    /// The time at which this record was created.
    pub created_at: Timestamp,
    /// `priced`, `estimated`, `unpriced` or `subscription`; `null` if an earlier version wrote the record.
    #[schema(required)]
    pub cost_status: Option<String>,
    /// The version of the price table and the row in it; `null` without a price.
    #[schema(required)]
    pub price_id: Option<String>,
    /// The estimated input of a response that broke off before its usage came.
    #[schema(required)]
    pub estimated_input_tokens: Option<i64>,
    /// The estimated output of a response that broke off before its usage came.
    #[schema(required)]
    pub estimated_output_tokens: Option<i64>,
}

/// A count, or a property such as the service tier.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum ExtraValue {
    /// A count, or the cost.
    Number(f64),
    /// A property of the response, e.g. its service tier.
    Text(String),
}

/// A tool call of the model.
#[derive(ToSchema)]
pub struct ToolUsage {
    /// The id of this record.
    pub id: Uuid,
    /// The provider's id of the response.
    #[schema(required)]
    pub provider_response_id: Option<String>,
    /// The provider's id of the call. The request that contains the result repeats it.
    #[schema(required)]
    pub provider_tool_call_id: Option<String>,
    /// The name of the tool.
    pub tool: String,
    /// The MCP server of an injected tool.
    #[schema(required)]
    pub server_url: Option<String>,
    /// The arguments as the provider sent them, usually JSON.
    pub input: String,
    /// Whether the gateway added the tool to the request and ran it.
    pub injected: bool,
    /// The error of a failed call of an injected tool.
    #[schema(required)]
    pub invocation_error: Option<String>,
    /// The time at which this record was created.
    pub created_at: Timestamp,
    /// Contains `truncated: true` if a text of the row is cut or missing, or if later tool calls have no rows.
    pub metadata: BTreeMap<String, bool>,
}

/// A piece of the reasoning in a response.
#[derive(ToSchema)]
pub struct ModelThought {
    /// The id of this record.
    pub id: Uuid,
    /// The text of the reasoning.
    pub content: String,
    /// The source, and whether the end of `content` is missing.
    pub metadata: ThoughtMetadata,
    /// The time at which this record was created.
    pub created_at: Timestamp,
}

/// Attributes of a piece of reasoning.
#[derive(ToSchema)]
pub struct ThoughtMetadata {
    /// One of `thinking`, `reasoning_summary` and `commentary`.
    pub source: String,
    /// True if the end of `content` is missing; absent otherwise.
    pub truncated: Option<bool>,
}
