//! The shapes of answers, as the document has them. Rows are those of the store, which writes them itself; a test holds
//! what is answered against these.

use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
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

/// A page of sessions.
#[derive(ToSchema)]
pub struct SessionPage {
    /// The rows.
    pub data: Vec<Session>,
    /// Where the next page begins; `null` if this is the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// What was used.
#[derive(ToSchema)]
pub struct UsageList {
    /// The rows.
    pub data: Vec<UsageRow>,
    /// `null`: these are all.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// All keys.
#[derive(ToSchema)]
pub struct KeyList {
    /// The keys.
    pub data: Vec<Key>,
    /// `null`: these are all.
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

/// Tokens, added up.
#[derive(ToSchema)]
pub struct Tokens {
    /// Input that was not read from the provider's cache.
    pub input_tokens: i64,
    /// Output, reasoning included.
    pub output_tokens: i64,
    /// Input that was read from the provider's cache.
    pub cache_read_input_tokens: i64,
    /// Input that was written to the provider's cache.
    pub cache_write_input_tokens: i64,
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
    /// Further counts, parts of the others.
    pub extra_token_types: BTreeMap<String, i64>,
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
}

/// What the model thought aloud.
#[derive(ToSchema)]
pub struct ModelThought {
    /// Its own id.
    pub id: Uuid,
    /// The text.
    pub content: String,
    /// Its `source`: `thinking`, `reasoning_summary` or `commentary`.
    pub metadata: BTreeMap<String, String>,
    /// When it was learnt.
    pub created_at: Timestamp,
}

/// What interceptions add up to.
#[derive(ToSchema)]
pub struct Sums {
    /// How many.
    pub requests: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What they cost.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// What was used by those with the same values. It has the keys that were asked for.
#[derive(ToSchema)]
pub struct UsageRow {
    /// On whose behalf.
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// The model as the client named it.
    #[schema(nullable = false)]
    pub model: Option<String>,
    /// The client program.
    #[schema(nullable = false)]
    pub client: Option<String>,
    /// The day of the start, in UTC.
    #[schema(nullable = false, format = Date)]
    pub day: Option<String>,
    /// The provider's configured name.
    #[schema(nullable = false)]
    pub provider: Option<String>,
    /// What they add up to.
    #[serde(flatten)]
    pub sums: Sums,
}

/// What one client did for one user under one id of a session.
#[derive(ToSchema)]
pub struct Session {
    /// The client's own id.
    pub session: String,
    /// On whose behalf.
    pub user: String,
    /// The client program that began it.
    pub client: String,
    /// When its first interception started.
    pub first_at: Timestamp,
    /// When its latest interception started.
    pub last_at: Timestamp,
    /// What they add up to.
    #[serde(flatten)]
    pub sums: Sums,
}

/// A key of a provider. What is counted is of this process, since it began or the key was set.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// The provider's configured name.
    pub provider: String,
    /// The masked key.
    #[schema(example = "sk-a...efgh")]
    pub hint: String,
    /// Whether it is offered to requests.
    pub state: KeyStateName,
    /// Why it cools; `null` if it does not.
    #[schema(required)]
    pub reason: Option<CoolingCause>,
    /// Until when it cools; `null` if it does not.
    #[schema(required, format = DateTime)]
    pub cooling_until: Option<String>,
    /// For how much longer, rounded up; `null` if it does not.
    #[schema(required)]
    pub remaining_seconds: Option<u64>,
    /// Calls of the provider with it.
    pub requests: u64,
    /// Those answered with success (2xx).
    pub successes: u64,
    /// Those answered 429.
    pub rate_limited: u64,
    /// Those answered 401.
    pub rejected: u64,
    /// Those answered 403.
    pub forbidden: u64,
}

/// Whether a key is offered to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStateName {
    /// It is.
    Valid,
    /// Not now.
    Cooling,
}

/// Why a key cools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoolingCause {
    /// The provider answered 429.
    RateLimited,
    /// The provider answered 401.
    Rejected,
}

/// Why there is no answer.
#[derive(ToSchema)]
pub struct Problem {
    /// What it is.
    pub error: ProblemDetail,
}

/// What it is.
#[derive(ToSchema)]
pub struct ProblemDetail {
    /// For people, with what to do.
    pub message: String,
    /// The kind of problem.
    #[schema(example = "invalid_request_error")]
    pub r#type: String,
    /// The parameter that is to blame, if one is.
    #[schema(required)]
    pub param: Option<String>,
    /// For programs; also in the header `X-AIBridge-Error`.
    #[schema(example = "invalid_parameter")]
    pub code: String,
}

/// What every question may be refused with.
pub struct Refusals;

/// The answer about an interception that is not on record.
pub struct NotFound;

type Responses = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        problems(&[
            ("400", "A parameter cannot be used: `param` names it"),
            ("401", "No gateway token, or one that is unknown, expired or revoked"),
            ("403", "Not an admin token"),
            ("405", "Not GET or HEAD"),
            ("500", "A defect of the gateway"),
            (
                "503",
                "The records cannot be read now, or too many read them: `Retry-After` says when to try again",
            ),
            ("504", "Reading took too long: ask for less"),
        ])
    }
}

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        problems(&[("404", "There is no such interception")])
    }
}

fn problems(table: &[(&str, &str)]) -> Responses {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = |told: &str| {
        ResponseBuilder::new().description(told).content("application/json", problem()).build().into()
    };
    table.iter().map(|(status, told)| ((*status).to_owned(), response(told))).collect()
}
