use jiff::Timestamp;
use uuid::Uuid;

/// How an interception ended: what its row says beyond what it said at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The interception that is over.
    pub interception_id: Uuid,
    /// How, and if badly, why.
    pub outcome: Outcome,
    /// The last status that the provider answered with.
    pub upstream_status: Option<u16>,
    /// The hint of the pool key that answered, or else the last one tried. `None` leaves the row's hint alone:
    /// a BYOK hint is never overwritten.
    pub credential_hint: Option<String>,
    /// The provider's id of the answer: what the prompt's `provider_response_id` becomes.
    pub provider_response_id: Option<String>,
    /// When.
    pub ended_at: Timestamp,
}

/// How an interception ended: the columns `outcome` and `error_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer was relayed whole.
    Completed,
    /// The gateway or the provider failed.
    Failed(ErrorType),
    /// The client went away.
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

    /// The value of the column `error_type`.
    pub const fn error_type(self) -> Option<ErrorType> {
        match self {
            Self::Failed(error_type) => Some(error_type),
            Self::Completed | Self::Cancelled => None,
        }
    }
}

/// Why an interception failed: the column `error_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// The provider answered 400, 404, 409, 413 or 422.
    InvalidRequest,
    /// The provider answered 401.
    Authentication,
    /// The provider answered 403.
    Permission,
    /// The provider answered 429, but not for lack of credit.
    RateLimited,
    /// The provider answered 402, or 429 for lack of credit.
    Quota,
    /// No key of the pool was left to try.
    KeysExhausted,
    /// The provider kept failing, so it was not called.
    CircuitOpen,
    /// The provider answered another 4xx.
    Upstream4xx,
    /// The provider answered a 5xx.
    Upstream5xx,
    /// The provider could not be reached, or the connection broke.
    UpstreamUnreachable,
    /// The provider was too slow.
    UpstreamTimeout,
    /// The stream carried an error, or ended without its terminal event.
    StreamError,
    /// The provider answered 2xx with something that its API does not answer, or its answer is no HTTP.
    InvalidResponse,
    /// The gateway died with the interception open; found at its next start.
    GatewayCrash,
    /// The gateway itself failed.
    GatewayError,
    /// The gateway was told to stop and the grace period was over.
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

    /// The type of a provider's error status; `None` below 400. A 429 for lack of credit, which its body says, is
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
    fn statuses_have_types() {
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
