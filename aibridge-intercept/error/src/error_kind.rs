//! The kinds of errors, by which clients decide what to do, and their names in the APIs.

use http::StatusCode;

/// The kind of an error: its `type` in the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be served as it is.
    InvalidRequest,
    /// The client is not authenticated, or no key is available for it.
    Authentication,
    /// The client may not do this.
    Permission,
    /// The client should send the request later.
    RateLimit,
    /// The budget of this client is spent, so an early retry cannot succeed.
    Quota,
    /// The gateway cannot serve requests at the moment.
    Server,
    /// The provider failed.
    Upstream,
}

impl ErrorKind {
    /// The name in the OpenAI API.
    pub const fn openai(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::Authentication => "authentication_error",
            Self::Permission => "permission_error",
            Self::RateLimit => "rate_limit_error",
            Self::Quota => "insufficient_quota",
            Self::Server => "server_error",
            Self::Upstream => "api_error",
        }
    }

    /// The name in the Anthropic API, which depends on the status as well.
    pub fn anthropic(self, status: StatusCode) -> &'static str {
        match (self, status) {
            (Self::InvalidRequest, StatusCode::NOT_FOUND) => "not_found_error",
            (Self::InvalidRequest, StatusCode::PAYLOAD_TOO_LARGE) => "request_too_large",
            (Self::InvalidRequest, _) => "invalid_request_error",
            (Self::Authentication, _) => "authentication_error",
            (Self::Permission, _) => "permission_error",
            (Self::RateLimit, _) => "rate_limit_error",
            (Self::Quota, _) => "billing_error",
            (Self::Server, StatusCode::SERVICE_UNAVAILABLE) => "overloaded_error",
            (Self::Upstream, StatusCode::GATEWAY_TIMEOUT) => "timeout_error",
            (Self::Server | Self::Upstream, _) => "api_error",
        }
    }
}
