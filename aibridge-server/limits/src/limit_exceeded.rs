//! The error for a request that a limit refuses.

use crate::rate_limit::RateLimited;
use aibridge_intercept::error::whole_seconds;
use aibridge_intercept::{ErrorKind, ErrorResponse};
use http::{StatusCode, header};
use std::time::Duration;

/// The `Retry-After` of an overloaded gateway. With many requests in flight, some end every second.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A limit of the settings refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum LimitExceeded {
    /// The limit of concurrent requests is reached.
    #[error("the gateway has {0} requests in flight, which is its limit: try again in a second")]
    Overloaded(u32),
    /// The actor has used up an allowance of the settings for a minute.
    #[error(transparent)]
    RateLimited(#[from] Box<RateLimited>),
}

impl LimitExceeded {
    /// The name of the limit: `concurrency`, `requests` or `tokens`.
    pub fn limit(&self) -> &'static str {
        match self {
            Self::Overloaded(_) => "concurrency",
            Self::RateLimited(limited) => limited.exceeded.unit.as_str(),
        }
    }
}

impl From<LimitExceeded> for ErrorResponse {
    fn from(error: LimitExceeded) -> Self {
        let (message, limit) = (error.to_string(), Some(error.limit()));
        let response = match error {
            LimitExceeded::Overloaded(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Server, "overloaded", message)
                    .with_header(header::RETRY_AFTER, whole_seconds(OVERLOAD_RETRY_AFTER))
            }
            LimitExceeded::RateLimited(limited) => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                let mut response = Self::new(status, ErrorKind::RateLimit, "rate_limit_exceeded", message)
                    .with_header(header::RETRY_AFTER, whole_seconds(limited.retry_after));
                limited.add_headers(&mut response.headers);
                response
            }
        };
        Self { limit, ..response }
    }
}
