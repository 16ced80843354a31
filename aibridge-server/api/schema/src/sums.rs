//! Schemas of usage and sessions: sums over interceptions.

use jiff::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of sessions.
#[derive(ToSchema)]
pub struct SessionPage {
    /// The sessions of this page.
    pub data: Vec<ListedSession>,
    /// The cursor of the next page; `null` on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// The groups of usage.
#[derive(ToSchema)]
pub struct UsageList {
    /// One row for each group.
    pub data: Vec<UsageRow>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Token counts by kind, and costs.
#[derive(ToSchema)]
pub struct Tokens {
    /// Input that was neither read from the provider's cache nor written to it.
    pub input_tokens: i64,
    /// Output, including reasoning.
    pub output_tokens: i64,
    /// Input that was read from the provider's cache.
    pub cache_read_input_tokens: i64,
    /// Input that was written to the provider's cache.
    pub cache_write_input_tokens: i64,
    /// The costs in billionths of a US dollar; `null` if there is no price.
    #[schema(required)]
    pub cost_nano_usd: Option<i64>,
}

/// Sums over interceptions.
#[derive(ToSchema)]
pub struct Sums {
    /// The number of interceptions.
    pub requests: u64,
    /// The number of failed interceptions.
    pub failed: u64,
    /// The sums of their token counts.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// The sums of one group. The row has the columns that the request groups by.
#[derive(ToSchema)]
pub struct UsageRow {
    /// The actor: the user of the access token, or `anonymous`.
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// The model, as the client spelled it.
    #[schema(nullable = false)]
    pub model: Option<String>,
    /// The name of the client program.
    #[schema(nullable = false)]
    pub client: Option<String>,
    /// The day on which the interceptions started, in UTC.
    #[schema(nullable = false, format = Date)]
    pub day: Option<String>,
    /// The configured name of the provider.
    #[schema(nullable = false)]
    pub provider: Option<String>,
    /// The sums over the interceptions.
    #[serde(flatten)]
    pub sums: Sums,
}

/// The interceptions of one user with one session id.
#[derive(ToSchema)]
pub struct Session {
    /// The id of the first interception, which identifies the session.
    pub id: Uuid,
    /// The id that the client gave the session.
    pub session: String,
    /// The actor: the user of the access token, or `anonymous`.
    pub user: String,
    /// The client program of the first interception.
    pub client: String,
    /// The start of the first interception.
    pub first_at: Timestamp,
    /// The start of the latest interception.
    pub last_at: Timestamp,
    /// The latest end; `null` while an interception is open.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// The models as the client spelled them, ordered by name, at most 16.
    pub models: Vec<String>,
    /// The sums over the interceptions.
    #[serde(flatten)]
    pub sums: Sums,
}

/// A session in a list.
#[derive(ToSchema)]
pub struct ListedSession {
    /// The session and its sums.
    #[serde(flatten)]
    pub session: Session,
    /// The beginning of its last prompt; `null` if it has none, absent unless the request asks for it.
    pub last_prompt: Option<String>,
}
