//! Errors that the gateway returns instead of a provider's response: the table of their statuses, types and codes.

use crate::error_response::ErrorResponse;
use crate::object::ObjectReference;
use crate::rate_limit::RateLimited;
use aibridge_recorder::ErrorType;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;

/// The `Retry-After` of an overloaded gateway. With many requests in flight, some end every second.
const OVERLOAD_RETRY_AFTER: Duration = Duration::from_secs(1);

/// An error that the gateway returns instead of a provider's response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not one JSON object.
    #[error("{0}")]
    InvalidJson(#[from] aibridge_json::JsonError),
    /// The model name is longer than any provider's. It would be repeated in every list and metric.
    #[error("the model name is longer than {0} bytes: send the name of a model")]
    InvalidModel(usize),
    /// The path is ambiguous, and the allow-list of routes is a security boundary.
    #[error(
        "the path {0:?} is not forwarded: write it without dot segments, empty segments and encoded or raw separators"
    )]
    InvalidPath(String),
    /// The URL contains an access token.
    #[error(
        "the URL contains an access token, and URLs are forwarded: send it as \"Authorization: Bearer aib_...\" instead"
    )]
    TokenInUrl,
    /// An unauthenticated request has a `Host` that is not the gateway's: a web page may have made the browser resolve its
    /// own name to the gateway (DNS rebinding).
    #[error(
        "the host {0:?} is not one of this gateway's names: use localhost or 127.0.0.1, or add it to server.allowed_hosts"
    )]
    HostNotAllowed(String),
    /// The request comes from a web page whose origin the settings do not allow.
    #[error(
        "web pages of {0} may not use this gateway: to allow them, add their origin to server.cors_origins"
    )]
    OriginNotAllowed(String),
    /// The request needs the rights of an operator.
    #[error("{0}")]
    AdminOnly(&'static str),
    /// A parameter of the request is unknown, or its value is invalid.
    #[error("the parameter {name:?} cannot be used: {problem}")]
    InvalidParameter {
        /// The parameter's name, as it was sent.
        name: String,
        /// The defect, and what to write instead.
        problem: String,
    },
    /// The request has no access token, or one that is unknown, expired or revoked.
    #[error("{0}")]
    InvalidAccessToken(&'static str),
    /// Neither the provider's settings nor the request contain a key.
    #[error("the provider {0:?} has no keys here: send your own as \"Authorization: Bearer <key>\"")]
    NoCredential(String),
    /// The request contains the client's own key, which the settings do not allow.
    #[error("this gateway does not forward your own provider key: leave it out")]
    ByokDisabled,
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
    /// The route is bridged, but not with this method.
    #[error("{method} is not allowed on {path}: use {allow}")]
    MethodNotAllowed {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The allowed methods.
        allow: &'static str,
    },
    /// The request is a WebSocket upgrade on a bridged route.
    #[error("WebSocket is not supported: use HTTP with server-sent events")]
    WebsocketUnsupported,
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
    /// The request asks for a response that outlives it.
    #[error("background responses are not supported: leave out \"background\"")]
    BackgroundUnsupported,
    /// The store did not accept a record, and no request is forwarded without one.
    #[error("the request could not be recorded, so it was not forwarded")]
    RecorderUnavailable,
    /// The gateway is stopping.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The limit of concurrent requests is reached.
    #[error("the gateway has {0} requests in flight, which is its limit: try again in a second")]
    Overloaded(u32),
    /// The actor has used up an allowance of the settings for a minute.
    #[error(transparent)]
    RateLimited(#[from] Box<RateLimited>),
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
    /// The status, and the error's `type` and `code`.
    pub fn class(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        const INVALID: &str = "invalid_request_error";
        match self {
            Self::InvalidJson(_) => (S::BAD_REQUEST, INVALID, "invalid_json"),
            Self::InvalidModel(_) => (S::BAD_REQUEST, INVALID, "invalid_model"),
            Self::InvalidPath(_) | Self::TokenInUrl => (S::BAD_REQUEST, INVALID, "invalid_path"),
            Self::InvalidParameter { .. } => (S::BAD_REQUEST, INVALID, "invalid_parameter"),
            Self::InvalidAccessToken(_) => (S::UNAUTHORIZED, "authentication_error", "invalid_gateway_token"),
            Self::HostNotAllowed(_) => (S::FORBIDDEN, "permission_error", "host_not_allowed"),
            Self::OriginNotAllowed(_) => (S::FORBIDDEN, "permission_error", "origin_not_allowed"),
            Self::AdminOnly(_) => (S::FORBIDDEN, "permission_error", "admin_only"),
            Self::NoCredential(_) => (S::UNAUTHORIZED, "authentication_error", "no_credential"),
            Self::ByokDisabled => (S::FORBIDDEN, "permission_error", "byok_disabled"),
            Self::UnknownRoute { .. } => (S::NOT_FOUND, INVALID, "unknown_route"),
            Self::ObjectNotFound(_) => (S::NOT_FOUND, INVALID, "not_found"),
            Self::MethodNotAllowed { .. } => (S::METHOD_NOT_ALLOWED, INVALID, "method_not_allowed"),
            Self::WebsocketUnsupported => (S::UPGRADE_REQUIRED, INVALID, "websocket_unsupported"),
            Self::RequestTooLarge(_) => (S::PAYLOAD_TOO_LARGE, INVALID, "request_too_large"),
            Self::UnsupportedEncoding(_) => (S::UNSUPPORTED_MEDIA_TYPE, INVALID, "unsupported_encoding"),
            Self::InvalidEncoding(_) => (S::BAD_REQUEST, INVALID, "invalid_encoding"),
            Self::RequestIncomplete(_) => (S::REQUEST_TIMEOUT, INVALID, "request_incomplete"),
            Self::RequestMalformed(_) => (S::BAD_REQUEST, INVALID, "request_incomplete"),
            Self::BackgroundUnsupported => (S::NOT_IMPLEMENTED, INVALID, "background_unsupported"),
            Self::RecorderUnavailable => (S::SERVICE_UNAVAILABLE, "server_error", "recorder_unavailable"),
            Self::ShuttingDown => (S::SERVICE_UNAVAILABLE, "server_error", "shutting_down"),
            Self::Overloaded(_) => (S::SERVICE_UNAVAILABLE, "server_error", "overloaded"),
            Self::RateLimited(_) | Self::KeysRateLimited { .. } => {
                (S::TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_exceeded")
            }
            Self::CircuitOpen { .. } => (S::SERVICE_UNAVAILABLE, "server_error", "service_unavailable"),
            Self::KeysRejected => (S::BAD_GATEWAY, "api_error", "server_error"),
            Self::UpstreamUnreachable(_) | Self::UpstreamDisconnected => {
                (S::BAD_GATEWAY, "api_error", "upstream_unreachable")
            }
            Self::InvalidResponse => (S::BAD_GATEWAY, "api_error", "answer_invalid"),
            Self::ResponseTooLarge(_) => (S::BAD_GATEWAY, "api_error", "answer_too_large"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "server_error", "internal_error"),
            Self::UpstreamTimeout(_) => (S::GATEWAY_TIMEOUT, "api_error", "upstream_timeout"),
        }
    }

    /// The error's `code`, which is stable.
    pub fn code(&self) -> &'static str {
        self.class().2
    }

    /// The limit of the settings that was exceeded: `concurrency`, `requests` or `tokens`; `None` for other errors.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Overloaded(_) => Some("concurrency"),
            Self::RateLimited(limited) => Some(limited.exceeded.unit.as_str()),
            _ => None,
        }
    }

    /// The `error_type` of an interception that ended with this error. Requests that are refused before they are
    /// recorded have one for traces.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidJson(_)
            | Self::InvalidModel(_)
            | Self::InvalidPath(_)
            | Self::TokenInUrl
            | Self::InvalidParameter { .. }
            | Self::UnknownRoute { .. }
            | Self::ObjectNotFound(_)
            | Self::MethodNotAllowed { .. }
            | Self::WebsocketUnsupported
            | Self::RequestTooLarge(_)
            | Self::UnsupportedEncoding(_)
            | Self::InvalidEncoding(_)
            | Self::RequestIncomplete(_)
            | Self::RequestMalformed(_)
            | Self::BackgroundUnsupported => ErrorType::InvalidRequest,
            Self::InvalidAccessToken(_) | Self::NoCredential(_) => ErrorType::Authentication,
            Self::AdminOnly(_) | Self::ByokDisabled | Self::HostNotAllowed(_) | Self::OriginNotAllowed(_) => {
                ErrorType::Permission
            }
            Self::RateLimited(_) => ErrorType::RateLimited,
            Self::KeysRateLimited { .. } | Self::KeysRejected => ErrorType::KeysExhausted,
            Self::CircuitOpen { .. } => ErrorType::CircuitOpen,
            Self::UpstreamUnreachable(_) => ErrorType::UpstreamUnreachable,
            Self::UpstreamTimeout(_) => ErrorType::UpstreamTimeout,
            Self::UpstreamDisconnected => ErrorType::StreamError,
            Self::InvalidResponse | Self::ResponseTooLarge(_) => ErrorType::InvalidResponse,
            Self::ShuttingDown => ErrorType::Shutdown,
            Self::Overloaded(_) | Self::RecorderUnavailable | Self::Internal => ErrorType::GatewayError,
        }
    }

    /// The error object of the API: `{"message":…,"type":…,"param":…,"code":…}`.
    pub fn to_object(&self) -> String {
        ErrorResponse::from(self).to_object()
    }

    /// The response for the client: status, headers and body.
    pub fn to_response(&self) -> Response<Bytes> {
        ErrorResponse::from(self).into_http()
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::KeysRateLimited { retry_after } | Self::CircuitOpen { retry_after } => {
                vec![(header::RETRY_AFTER, whole_seconds(*retry_after).into())]
            }
            Self::Overloaded(_) => vec![(header::RETRY_AFTER, whole_seconds(OVERLOAD_RETRY_AFTER).into())],
            Self::RateLimited(limited) => {
                let mut headers = vec![(header::RETRY_AFTER, whole_seconds(limited.retry_after).into())];
                limited.add_headers(&mut headers);
                headers
            }
            Self::MethodNotAllowed { allow, .. } => vec![(header::ALLOW, HeaderValue::from_static(allow))],
            // RFC 9110 §11.6.1.
            Self::InvalidAccessToken(_) | Self::NoCredential(_) => {
                vec![(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))]
            }
            // RFC 9110 §7.8: a sender of `Upgrade` lists it in `Connection`.
            Self::WebsocketUnsupported => vec![
                (header::UPGRADE, HeaderValue::from_static("HTTP/1.1")),
                (header::CONNECTION, HeaderValue::from_static("upgrade")),
            ],
            // The rest of the request is not read, so the connection cannot be reused.
            Self::ShuttingDown | Self::RequestIncomplete(_) | Self::RequestMalformed(_) => {
                vec![(header::CONNECTION, HeaderValue::from_static("close"))]
            }
            Self::InvalidJson(_)
            | Self::InvalidModel(_)
            | Self::InvalidPath(_)
            | Self::TokenInUrl
            | Self::HostNotAllowed(_)
            | Self::OriginNotAllowed(_)
            | Self::AdminOnly(_)
            | Self::InvalidParameter { .. }
            | Self::ByokDisabled
            | Self::UnknownRoute { .. }
            | Self::ObjectNotFound(_)
            | Self::RequestTooLarge(_)
            | Self::UnsupportedEncoding(_)
            | Self::InvalidEncoding(_)
            | Self::BackgroundUnsupported
            | Self::RecorderUnavailable
            | Self::KeysRejected
            | Self::UpstreamUnreachable(_)
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
            Error::InvalidParameter { name, .. } => Some(name.clone()),
            _ => None,
        };
        Self { status, kind, code, message: error.to_string(), param, headers: error.headers() }
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
    use crate::error_response::ERROR_HEADER;

    #[test]
    fn responses_have_the_format_of_the_api() {
        let error = Error::UnknownRoute { method: "GET".into(), path: "/openai/v1/\"x\"".into() };
        let response = error.to_response();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[ERROR_HEADER], "unknown_route");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"error": {
                "message": "unknown route: GET /openai/v1/\"x\"",
                "type": "invalid_request_error", "param": null, "code": "unknown_route",
            }})
        );
    }

    #[test]
    fn error_types_and_codes_name_the_responsible_party() {
        let table = [
            (Error::Internal, "gateway_error", 500, "internal_error"),
            (Error::RecorderUnavailable, "gateway_error", 503, "recorder_unavailable"),
            (Error::InvalidResponse, "invalid_response", 502, "answer_invalid"),
            (Error::ResponseTooLarge(1), "invalid_response", 502, "answer_too_large"),
            (Error::UpstreamDisconnected, "stream_error", 502, "upstream_unreachable"),
            (Error::UpstreamUnreachable(String::new()), "upstream_unreachable", 502, "upstream_unreachable"),
            (Error::UpstreamTimeout(Duration::ZERO), "upstream_timeout", 504, "upstream_timeout"),
            (Error::InvalidEncoding("gzip"), "invalid_request", 400, "invalid_encoding"),
            (Error::ByokDisabled, "permission", 403, "byok_disabled"),
        ];
        for (error, error_type, status, code) in table {
            assert_eq!(
                (error.error_type().as_str(), error.class().0.as_u16(), error.code()),
                (error_type, status, code)
            );
        }
    }

    #[test]
    fn retry_after_is_rounded_up() {
        for (milliseconds, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
            let error = Error::KeysRateLimited { retry_after: Duration::from_millis(milliseconds) };
            assert_eq!(error.to_response().headers()[header::RETRY_AFTER], seconds, "{milliseconds} ms");
        }
    }
}
