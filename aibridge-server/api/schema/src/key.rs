//! Schemas of provider keys and their cooldowns.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The keys of all providers.
#[derive(ToSchema)]
pub struct KeyList {
    /// The keys, in the order in which requests try them.
    pub data: Vec<Key>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A key of a provider. The counts belong to this process and start at its start, or when the key is configured.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// The configured name of the provider.
    pub provider: String,
    /// The masked form of the key.
    #[schema(example = "sk-a...efgh")]
    pub hint: String,
    /// Whether requests use the key. For the models in `models`, requests do not use it even if it is valid.
    pub state: KeyStateName,
    /// The cause of the cooldown; `null` if the key does not cool.
    #[schema(required)]
    pub reason: Option<CoolingCause>,
    /// The end of the cooldown; `null` if the key does not cool.
    #[schema(required, format = DateTime)]
    pub cooling_until: Option<String>,
    /// The remaining seconds of the cooldown, rounded up; `null` if the key does not cool.
    #[schema(required)]
    pub remaining_seconds: Option<u64>,
    /// The models for which the key cools: a rate limit cools one model of a key. At most 64, ordered by name.
    pub models: Vec<CoolingModel>,
    /// The number of requests that were sent with this key.
    pub requests: u64,
    /// The number of 2xx responses.
    pub successes: u64,
    /// The number of 429 responses, without those for lack of credit.
    pub rate_limited: u64,
    /// The number of 402 responses and of 429 responses for lack of credit.
    pub quota: u64,
    /// The number of 401 responses.
    pub rejected: u64,
    /// The number of 403 responses.
    pub forbidden: u64,
}

/// A model that a key cools for.
#[derive(Serialize, ToSchema)]
pub struct CoolingModel {
    /// The model, as clients spell it.
    #[schema(example = "gpt-5")]
    pub model: String,
    /// The end of the cooldown.
    #[schema(format = DateTime)]
    pub cooling_until: String,
    /// The remaining seconds of the cooldown, rounded up.
    pub remaining_seconds: u64,
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStateName {
    /// Requests use the key.
    Valid,
    /// Requests do not use the key until its cooldown ends.
    Cooling,
}

/// The cause of a cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoolingCause {
    /// The provider returned 429.
    RateLimited,
    /// The provider reported that the account has no credit.
    Quota,
    /// The provider rejected the key.
    Rejected,
}

/// The key whose cooldowns end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRevival {
    /// The configured name of the provider.
    pub provider: String,
    /// The position of the key among those of its provider, from 1.
    pub position: usize,
    /// The masked form of the key, which shows that the position is still that of the key.
    #[schema(example = "sk-a...efgh")]
    pub hint: String,
}
