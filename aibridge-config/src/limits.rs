use crate::integer::RawInteger;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How much clients may ask of one gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most requests under way at once.
    pub max_concurrent_requests: Option<NonZeroU32>,
    /// The most requests of one actor in a minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The most tokens of one actor in a minute.
    pub tokens_per_minute: Option<NonZeroU32>,
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawLimits {
    max_concurrent_requests: RawInteger,
    requests_per_minute: RawInteger,
    tokens_per_minute: RawInteger,
}

impl Default for RawLimits {
    fn default() -> Self {
        (&Limits::default()).into()
    }
}

impl From<&Limits> for RawLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            max_concurrent_requests: limits.max_concurrent_requests.into(),
            requests_per_minute: limits.requests_per_minute.into(),
            tokens_per_minute: limits.tokens_per_minute.into(),
        }
    }
}

pub(crate) fn resolve(raw: &RawLimits) -> Limits {
    Limits {
        max_concurrent_requests: raw.max_concurrent_requests.limit(),
        requests_per_minute: raw.requests_per_minute.limit(),
        tokens_per_minute: raw.tokens_per_minute.limit(),
    }
}
