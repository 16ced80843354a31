//! Errors that the core returns instead of a provider's response: the table of their statuses, kinds and codes. What the
//! server refuses before the core is reached has error types of its own, beside the code that refuses it.

use crate::error_kind::ErrorKind;
use crate::error_response::{ErrorResponse, SHOULD_RETRY};
use crate::object::ObjectReference;
use aibridge_recorder::ErrorType;
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::time::Duration;

/// An error that the gateway returns instead of a provider's response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not one JSON object.
    #[error("{0}")]
    InvalidJson(#[from] aibridge_json::JsonError),
    /// The model name is longer than any provider's. It would be repeated in every list and metric.
    #[error("the model name is longer than {0} bytes: send the name of a model")]
    InvalidModel(usize),
    /// The model name contains an access token, which would be recorded, logged and sent to the provider.
    #[error(
        "the model name contains an access token: send the token as \"Authorization: Bearer aib_...\", and the name of a model here"
    )]
    TokenInModel,
    /// A parameter of the request is unknown, or its value is invalid.
    #[error("the parameter {name:?} cannot be used: {problem}")]
    InvalidParameter {
        /// The parameter's name, as it was sent.
        name: String,
        /// The defect, and what to write instead.
        problem: String,
    },
    /// Neither the provider's settings nor the request contain a key.
    #[error("the provider {provider:?} has no keys here: send your own as \"{header}\"")]
    NoCredential {
        /// The name of the provider.
        provider: String,
        /// The header of the key, with a placeholder for its value.
        header: String,
    },
    /// The provider's settings contain no key, and the settings do not allow keys of clients.
    #[error(
        "the provider {0:?} has no keys here, and this gateway does not forward keys of clients: ask its operator to configure one"
    )]
    NoKeys(String),
    /// The route or provider does not exist.
    #[error("unknown route: {method} {path}")]
    UnknownRoute {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
    },
    /// The object belongs to another actor. The message is the provider's for an object that does not exist.
    #[error("{0}")]
    ObjectNotFound(ObjectReference),
    /// The body is larger than the settings allow, before or after decompression.
    #[error("the request body is larger than {0} bytes")]
    RequestTooLarge(usize),
    /// The `Content-Encoding` of the request is not supported.
    #[error("unsupported content encoding {0:?}: use gzip, br, zstd or none")]
    UnsupportedEncoding(String),
    /// The body does not match its `Content-Encoding`.
    #[error("the body is not valid {0}")]
    InvalidEncoding(&'static str),
    /// The request's body ended early.
    #[error("the request body did not arrive: {0}")]
    RequestIncomplete(&'static str),
    /// The request's body violates the framing of HTTP.
    #[error("the request body cannot be read: {0}")]
    RequestMalformed(&'static str),
    /// The request starts a background response, which would outlive its interception.
    #[error("background responses are not supported: leave out \"background\"")]
    BackgroundUnsupported,
    /// The store did not accept a record, and no request is forwarded without one.
    #[error("the request could not be recorded, so it was not forwarded")]
    RecorderUnavailable,
    /// The store did not accept the end records of a request that was sent to the provider. Its response is withheld. A
    /// retry would be billed a second time.
    #[error(
        "the request was sent to the provider, but its response could not be recorded, so it is withheld: check the store of \
         the gateway before you send it again, because the provider may have charged for it"
    )]
    EndUnrecorded,
    /// The gateway is stopping.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// All keys are cooling down, at least one because of a rate limit.
    #[error("all configured keys are rate-limited")]
    KeysRateLimited {
        /// The time until a key can be tried again.
        retry_after: Duration,
    },
    /// The provider rejected all keys.
    #[error("all configured keys were rejected by the provider")]
    KeysRejected,
    /// The circuit breaker is open because the provider keeps failing.
    #[error("circuit breaker is open")]
    CircuitOpen {
        /// The time until the next probe.
        retry_after: Duration,
    },
    /// There is no connection, or it broke before the response: refused, reset, unknown name, connect timeout.
    #[error("the provider cannot be reached: {0}")]
    UpstreamUnreachable(String),
    /// There is no TLS connection, or a certificate is not trusted.
    #[error("the provider cannot be reached over TLS: {0}")]
    UpstreamTls(String),
    /// The connection broke after the response had begun.
    #[error("the connection to the provider broke before its response was complete")]
    UpstreamDisconnected,
    /// The response is not valid HTTP, or has a status that a response cannot have.
    #[error("the provider's response is not valid HTTP: check that base_url is the address of its API")]
    InvalidResponse,
    /// The response is too large to be buffered until it is recorded.
    #[error("the provider's response has more than {0} bytes in one piece")]
    ResponseTooLarge(usize),
    /// The gateway has a defect.
    #[error("the gateway failed on this request: see its log for the reason")]
    Internal,
    /// The response did not arrive in time.
    #[error("the provider did not respond within {0:?}")]
    UpstreamTimeout(Duration),
}

impl Error {
    fn class(&self) -> (StatusCode, ErrorKind, &'static str) {
        use ErrorKind::{Authentication, InvalidRequest, RateLimit, Server, Upstream};
        use StatusCode as S;
        match self {
            Self::InvalidJson(_) => (S::BAD_REQUEST, InvalidRequest, "invalid_json"),
            Self::InvalidModel(_) | Self::TokenInModel => (S::BAD_REQUEST, InvalidRequest, "invalid_model"),
            Self::InvalidParameter { .. } => (S::BAD_REQUEST, InvalidRequest, "invalid_parameter"),
            Self::NoCredential { .. } | Self::NoKeys(_) => (S::UNAUTHORIZED, Authentication, "no_credential"),
            Self::UnknownRoute { .. } => (S::NOT_FOUND, InvalidRequest, "unknown_route"),
            Self::ObjectNotFound(_) => (S::NOT_FOUND, InvalidRequest, "not_found"),
            Self::RequestTooLarge(_) => (S::PAYLOAD_TOO_LARGE, InvalidRequest, "request_too_large"),
            Self::UnsupportedEncoding(_) => {
                (S::UNSUPPORTED_MEDIA_TYPE, InvalidRequest, "unsupported_encoding")
            }
            Self::InvalidEncoding(_) => (S::BAD_REQUEST, InvalidRequest, "invalid_encoding"),
            Self::RequestIncomplete(_) => (S::REQUEST_TIMEOUT, InvalidRequest, "request_incomplete"),
            Self::RequestMalformed(_) => (S::BAD_REQUEST, InvalidRequest, "request_incomplete"),
            Self::BackgroundUnsupported => (S::NOT_IMPLEMENTED, InvalidRequest, "background_unsupported"),
            Self::RecorderUnavailable | Self::EndUnrecorded => {
                (S::SERVICE_UNAVAILABLE, Server, "recorder_unavailable")
            }
            Self::ShuttingDown => (S::SERVICE_UNAVAILABLE, Server, "shutting_down"),
            Self::KeysRateLimited { .. } => (S::TOO_MANY_REQUESTS, RateLimit, "rate_limit_exceeded"),
            Self::CircuitOpen { .. } => (S::SERVICE_UNAVAILABLE, Server, "service_unavailable"),
            Self::KeysRejected => (S::BAD_GATEWAY, Upstream, "server_error"),
            Self::UpstreamUnreachable(_) | Self::UpstreamDisconnected => {
                (S::BAD_GATEWAY, Upstream, "upstream_unreachable")
            }
            Self::UpstreamTls(_) => (S::BAD_GATEWAY, Upstream, "upstream_tls"),
            Self::InvalidResponse => (S::BAD_GATEWAY, Upstream, "answer_invalid"),
            Self::ResponseTooLarge(_) => (S::BAD_GATEWAY, Upstream, "answer_too_large"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, Server, "internal_error"),
            Self::UpstreamTimeout(_) => (S::GATEWAY_TIMEOUT, Upstream, "upstream_timeout"),
        }
    }

    /// The error's `code`, which is stable.
    pub fn code(&self) -> &'static str {
        self.class().2
    }

    /// The `error_type` of an interception that ended with this error. Requests that are refused before they are
    /// recorded have one for traces.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidJson(_)
            | Self::InvalidModel(_)
            | Self::TokenInModel
            | Self::InvalidParameter { .. }
            | Self::UnknownRoute { .. }
            | Self::ObjectNotFound(_)
            | Self::RequestTooLarge(_)
            | Self::UnsupportedEncoding(_)
            | Self::InvalidEncoding(_)
            | Self::RequestIncomplete(_)
            | Self::RequestMalformed(_)
            | Self::BackgroundUnsupported => ErrorType::InvalidRequest,
            Self::NoCredential { .. } | Self::NoKeys(_) => ErrorType::Authentication,
            Self::KeysRateLimited { .. } | Self::KeysRejected => ErrorType::KeysExhausted,
            Self::CircuitOpen { .. } => ErrorType::CircuitOpen,
            Self::UpstreamUnreachable(_) | Self::UpstreamTls(_) => ErrorType::UpstreamUnreachable,
            Self::UpstreamTimeout(_) => ErrorType::UpstreamTimeout,
            Self::UpstreamDisconnected => ErrorType::StreamError,
            Self::InvalidResponse | Self::ResponseTooLarge(_) => ErrorType::InvalidResponse,
            Self::ShuttingDown => ErrorType::Shutdown,
            Self::RecorderUnavailable | Self::EndUnrecorded | Self::Internal => ErrorType::GatewayError,
        }
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::KeysRateLimited { retry_after } | Self::CircuitOpen { retry_after } => {
                vec![(header::RETRY_AFTER, whole_seconds(*retry_after).into())]
            }
            Self::EndUnrecorded => vec![(SHOULD_RETRY, HeaderValue::from_static("false"))],
            // RFC 9110 §11.6.1.
            Self::NoCredential { .. } | Self::NoKeys(_) => {
                vec![(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))]
            }
            // The rest of the request is not read, so the connection cannot be reused.
            Self::ShuttingDown | Self::RequestIncomplete(_) | Self::RequestMalformed(_) => {
                vec![(header::CONNECTION, HeaderValue::from_static("close"))]
            }
            Self::InvalidJson(_)
            | Self::InvalidModel(_)
            | Self::TokenInModel
            | Self::InvalidParameter { .. }
            | Self::UnknownRoute { .. }
            | Self::ObjectNotFound(_)
            | Self::RequestTooLarge(_)
            | Self::UnsupportedEncoding(_)
            | Self::InvalidEncoding(_)
            | Self::BackgroundUnsupported
            | Self::RecorderUnavailable
            | Self::KeysRejected
            | Self::UpstreamUnreachable(_)
            | Self::UpstreamTls(_)
            | Self::UpstreamDisconnected
            | Self::InvalidResponse
            | Self::ResponseTooLarge(_)
            | Self::Internal
            | Self::UpstreamTimeout(_) => Vec::new(),
        }
    }
}

impl From<&Error> for ErrorResponse {
    fn from(error: &Error) -> Self {
        let (status, kind, code) = error.class();
        let param = match error {
            Error::InvalidParameter { name, .. } => Some(name.as_str().into()),
            _ => None,
        };
        let headers = error.headers();
        Self { param, headers, ..Self::new(status, kind, code, error.to_string()) }
    }
}

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// The value of `Retry-After` in whole seconds (RFC 9110 §10.2.3), rounded up, so that a client does not retry too early.
pub fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_types_and_codes_name_the_responsible_party() {
        let table = [
            (Error::Internal, "gateway_error", 500, "internal_error"),
            (Error::RecorderUnavailable, "gateway_error", 503, "recorder_unavailable"),
            (Error::EndUnrecorded, "gateway_error", 503, "recorder_unavailable"),
            (Error::InvalidResponse, "invalid_response", 502, "answer_invalid"),
            (Error::ResponseTooLarge(1), "invalid_response", 502, "answer_too_large"),
            (Error::UpstreamDisconnected, "stream_error", 502, "upstream_unreachable"),
            (Error::UpstreamUnreachable(String::new()), "upstream_unreachable", 502, "upstream_unreachable"),
            (Error::UpstreamTls(String::new()), "upstream_unreachable", 502, "upstream_tls"),
            (Error::UpstreamTimeout(Duration::ZERO), "upstream_timeout", 504, "upstream_timeout"),
            (Error::InvalidEncoding("gzip"), "invalid_request", 400, "invalid_encoding"),
        ];
        for (error, error_type, status, code) in table {
            let response = ErrorResponse::from(&error);
            assert_eq!(
                (error.error_type().as_str(), response.status.as_u16(), response.code),
                (error_type, status, code)
            );
        }
    }

    #[test]
    fn retry_after_is_rounded_up() {
        for (milliseconds, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
            let error = Error::KeysRateLimited { retry_after: Duration::from_millis(milliseconds) };
            let expected = (header::RETRY_AFTER, HeaderValue::from_static(seconds));
            assert_eq!(ErrorResponse::from(error).headers, [expected], "{milliseconds} ms");
        }
    }
}
