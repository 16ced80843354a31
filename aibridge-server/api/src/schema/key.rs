use serde::Serialize;
use utoipa::ToSchema;

/// All keys.
#[derive(ToSchema)]
pub struct KeyList {
    /// The keys.
    pub data: Vec<Key>,
    /// `null`: these are all.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A key of a provider. What is counted is of this process, since it began or the key was set.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// The provider's configured name.
    pub provider: String,
    /// The masked key.
    #[schema(example = "sk-a...efgh")]
    pub hint: String,
    /// Whether it is offered to requests, but for the `models` that cool by themselves.
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
    /// The models that it is not offered for: a rate limit cools one model of a key. 64 at most, by name.
    pub models: Vec<CoolingModel>,
    /// Calls of the provider with it.
    pub requests: u64,
    /// Those answered with success (2xx).
    pub successes: u64,
    /// Those answered 429, but for lack of credit.
    pub rate_limited: u64,
    /// Those answered 402, or 429 for lack of credit.
    pub quota: u64,
    /// Those answered 401.
    pub rejected: u64,
    /// Those answered 403.
    pub forbidden: u64,
}

/// A model that a key cools for.
#[derive(Serialize, ToSchema)]
pub struct CoolingModel {
    /// The model, as clients name it.
    #[schema(example = "gpt-5")]
    pub model: String,
    /// Until when it cools.
    #[schema(format = DateTime)]
    pub cooling_until: String,
    /// For how much longer, rounded up.
    pub remaining_seconds: u64,
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
    /// The provider answered that the account has no credit.
    Quota,
    /// The provider does not accept the key.
    Rejected,
}
