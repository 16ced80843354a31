use jiff::Timestamp;
use utoipa::ToSchema;

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
