//! `[limits]`: the limits of requests, tokens and connections.

use aibridge_values::duration::RawDuration;
use aibridge_values::integer::RawInteger;
use aibridge_values::report::Report;
use aibridge_values::size::RawSize;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::time::Duration;

/// The limits of one gateway process. `None` means unlimited; in the settings, 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of requests in flight.
    pub max_concurrent_requests: Option<NonZeroU32>,
    /// The maximum number of requests of one actor per minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The maximum number of tokens of one actor per minute.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// The maximum number of client connections.
    pub max_connections: Option<NonZeroU32>,
    /// The maximum size of a request head, in bytes.
    pub max_header_bytes: usize,
    /// The time in which a connection must send the whole head of its next request.
    pub header_timeout: Duration,
}

/// The mirror of `[limits]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawLimits {
    max_concurrent_requests: RawInteger,
    requests_per_minute: RawInteger,
    tokens_per_minute: RawInteger,
    max_connections: RawInteger,
    max_header_bytes: RawSize,
    header_timeout: RawDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrent_requests: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            max_connections: None,
            max_header_bytes: 128 << 10,
            header_timeout: Duration::from_secs(30),
        }
    }
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
            max_connections: limits.max_connections.into(),
            max_header_bytes: limits.max_header_bytes.into(),
            header_timeout: limits.header_timeout.into(),
        }
    }
}

/// The smallest limit of a request head, in bytes. The requests of SDKs do not fit into less.
const MIN_HEADER_BYTES: usize = 1 << 10;

/// Validates `[limits]`. `None` if it has a problem.
pub fn resolve(raw: &RawLimits, report: &mut Report<'_>) -> Option<Limits> {
    let max_header_bytes =
        report.keep("limits.max_header_bytes", raw.max_header_bytes.at_least(MIN_HEADER_BYTES));
    let header_timeout = report.keep("limits.header_timeout", raw.header_timeout.positive());
    Some(Limits {
        max_concurrent_requests: raw.max_concurrent_requests.limit(),
        requests_per_minute: raw.requests_per_minute.limit(),
        tokens_per_minute: raw.tokens_per_minute.limit(),
        max_connections: raw.max_connections.limit(),
        max_header_bytes: max_header_bytes?,
        header_timeout: header_timeout?,
    })
}
