//! The end of an interception: its outcome and its error type.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The end of an interception: the columns of `aibridge_interceptions` that are written when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterceptionEnd {
    /// The id of the interception.
    pub interception_id: Uuid,
    /// The outcome, with the error type of a failure.
    pub outcome: Outcome,
    /// The status of the last response from the provider; `None` if there was none.
    pub upstream_status: Option<u16>,
    /// The hint of the pool key that the relayed response belongs to, or else of the last key that was tried. `None`
    /// leaves the stored hint unchanged: a BYOK hint is never overwritten.
    pub credential_hint: Option<String>,
    /// The provider's id of the response. It also becomes the `provider_response_id` of the prompt.
    pub provider_response_id: Option<String>,
    /// The time at which the response ended.
    pub ended_at: Timestamp,
}

/// The outcome of an interception: the columns `outcome` and `error_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client received the whole response.
    Completed,
    /// The gateway or the provider failed.
    Failed(ErrorType),
    /// The client closed the connection before the end of the response.
    Cancelled,
}

impl Outcome {
    /// The value of the column `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The error type of a failure; `None` for the other outcomes.
    pub const fn error_type(self) -> Option<ErrorType> {
        match self {
            Self::Failed(error_type) => Some(error_type),
            Self::Completed | Self::Cancelled => None,
        }
    }
}

/// The cause of a failure: the column `error_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The provider responded with 400, 404, 409, 413 or 422.
    InvalidRequest,
    /// The provider responded with 401.
    Authentication,
    /// The provider responded with 403.
    Permission,
    /// The provider responded with 429, but not for lack of credit.
    RateLimited,
    /// The provider responded with 402, or with 429 for lack of credit.
    Quota,
    /// Every key of the pool is cooling or was refused.
    KeysExhausted,
    /// The circuit breaker is open, so the provider was not called.
    CircuitOpen,
    /// The provider responded with another 4xx status.
    #[serde(rename = "upstream_4xx")]
    Upstream4xx,
    /// The provider responded with a 5xx status.
    #[serde(rename = "upstream_5xx")]
    Upstream5xx,
    /// The connection to the provider failed or broke.
    UpstreamUnreachable,
    /// The provider exceeded a timeout.
    UpstreamTimeout,
    /// The stream contained an error, or ended without its terminal event.
    StreamError,
    /// The provider responded with 2xx and a body that its API does not define, or with invalid HTTP.
    InvalidResponse,
    /// The gateway stopped abruptly while the interception was open. A later start of a gateway records this.
    GatewayCrash,
    /// The gateway itself failed, for example to read its store.
    GatewayError,
    /// The gateway shut down, and its grace period ended before the response did.
    Shutdown,
}

impl ErrorType {
    /// The value of the column `error_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::KeysExhausted => "keys_exhausted",
            Self::CircuitOpen => "circuit_open",
            Self::Upstream4xx => "upstream_4xx",
            Self::Upstream5xx => "upstream_5xx",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::StreamError => "stream_error",
            Self::InvalidResponse => "invalid_response",
            Self::GatewayCrash => "gateway_crash",
            Self::GatewayError => "gateway_error",
            Self::Shutdown => "shutdown",
        }
    }

    /// The error type of a provider's status; `None` below 400. A 429 whose body reports a lack of credit is
    /// [`ErrorType::Quota`] instead.
    pub const fn from_status(status: u16) -> Option<Self> {
        match status {
            0..=399 => None,
            400 | 404 | 409 | 413 | 422 => Some(Self::InvalidRequest),
            401 => Some(Self::Authentication),
            402 => Some(Self::Quota),
            403 => Some(Self::Permission),
            429 => Some(Self::RateLimited),
            405..=499 => Some(Self::Upstream4xx),
            _ => Some(Self::Upstream5xx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_each_status_to_its_error_type() {
        let table = [
            (200, None),
            (302, None),
            (400, Some(ErrorType::InvalidRequest)),
            (401, Some(ErrorType::Authentication)),
            (402, Some(ErrorType::Quota)),
            (403, Some(ErrorType::Permission)),
            (404, Some(ErrorType::InvalidRequest)),
            (408, Some(ErrorType::Upstream4xx)),
            (409, Some(ErrorType::InvalidRequest)),
            (413, Some(ErrorType::InvalidRequest)),
            (418, Some(ErrorType::Upstream4xx)),
            (422, Some(ErrorType::InvalidRequest)),
            (429, Some(ErrorType::RateLimited)),
            (500, Some(ErrorType::Upstream5xx)),
            (529, Some(ErrorType::Upstream5xx)),
        ];
        for (status, expected) in table {
            assert_eq!(ErrorType::from_status(status), expected, "status {status}");
        }
    }
}
