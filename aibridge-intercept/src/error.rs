//! Answers of the gateway's own, in the shape of the OpenAI API: the one table from what went wrong to status,
//! `type` and `code`.

use crate::objects::ObjectReference;
use crate::rate_limit::RateLimited;
use aibridge_recorder::ErrorType;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;

/// On every answer that the gateway made itself, so that blame is visible: its value is the error's `code`.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("x-aibridge-error");

/// When many requests are under way, some end every second.
const TRY_AGAIN_IN: Duration = Duration::from_secs(1);

/// Everything that the gateway itself may answer instead of the provider.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not one JSON object.
    #[error("{0}")]
    InvalidJson(#[from] crate::json::JsonError),
    /// A model name longer than any provider's, which would be repeated in every list and metric.
    #[error("the model name is longer than {0} bytes: send the name of a model")]
    InvalidModel(usize),
    /// The path could be read in two ways, and the allow-list is a security boundary.
    #[error(
        "the path {0:?} is not forwarded: write it without dot segments, empty segments and encoded or raw separators"
    )]
    InvalidPath(String),
    /// The URL holds an access token.
    #[error(
        "the URL holds an access token, and URLs are forwarded: send it as \"Authorization: Bearer aib_...\" instead"
    )]
    TokenInUrl,
    /// A request that nothing but its `Host` vouches for names a host that is not the gateway's: a web page may have
    /// made the browser resolve its own name to the gateway (DNS rebinding).
    #[error(
        "the host {0:?} is not one of this gateway's names: use localhost or 127.0.0.1, or add it to server.allowed_hosts"
    )]
    HostNotAllowed(String),
    /// A web page of another origin that the settings do not let in.
    #[error(
        "web pages of {0} may not use this gateway: to let them, add their origin to server.cors_origins"
    )]
    OriginNotAllowed(String),
    /// Something that is for operators alone.
    #[error("{0}")]
    AdminOnly(&'static str),
    /// A parameter of a question about records that is unknown, or whose value cannot be used.
    #[error("the parameter {name:?} cannot be used: {problem}")]
    InvalidParameter {
        /// Its name, as it was sent.
        name: String,
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// A question about records that adds up to more rows than are kept in memory.
    #[error("this adds up to more than {0} rows: ask for less with since, until or another filter")]
    QueryTooBroad(usize),
    /// An interception that is not on record.
    #[error("there is no interception {0}")]
    UnknownInterception(String),
    /// As many read records as may at once.
    #[error("too many read records at once: try again in a second")]
    TooManyReaders,
    /// Reading records took too long.
    #[error("reading took longer than {0:?}: ask for less with since, until or another filter")]
    RecordsTooSlow(Duration),
    /// The store cannot be read.
    #[error("the records cannot be read now: the gateway's log says why")]
    RecordsUnavailable,
    /// No gateway token, or one that is unknown, expired or revoked.
    #[error("{0}")]
    InvalidGatewayToken(&'static str),
    /// The provider has no keys and the client brought none.
    #[error("the provider {0:?} has no keys here: send your own as \"Authorization: Bearer <key>\"")]
    NoCredential(String),
    /// The client brought its own key, which the settings forbid.
    #[error("this gateway does not forward your own provider key: leave it out")]
    ByokDisabled,
    /// There is no such route or provider.
    #[error("unknown route: {method} {path}")]
    UnknownRoute {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
    },
    /// An object at the provider that belongs to another actor, in the provider's words for one that does not exist.
    #[error("{0}")]
    ObjectNotFound(ObjectReference),
    /// A bridged route, but not its method.
    #[error("{method} is not allowed on {path}: use {allow}")]
    MethodNotAllowed {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// What is allowed.
        allow: &'static str,
    },
    /// A WebSocket upgrade on a bridged route.
    #[error("WebSocket is not supported: use HTTP with server-sent events")]
    WebsocketUnsupported,
    /// The body is larger than the settings allow, before or after decompression.
    #[error("the request body is larger than {0} bytes")]
    RequestTooLarge(usize),
    /// A `Content-Encoding` that the gateway cannot read.
    #[error("unsupported content encoding {0:?}: use gzip, br, zstd or none")]
    UnsupportedEncoding(String),
    /// The body is not what its `Content-Encoding` says.
    #[error("the body is not valid {0}")]
    InvalidEncoding(&'static str),
    /// The client stopped in the middle of its body.
    #[error("the request body did not arrive: {0}")]
    RequestIncomplete(&'static str),
    /// The client's body breaks the rules of its framing.
    #[error("the request body cannot be read: {0}")]
    RequestMalformed(&'static str),
    /// A response that would outlive its request.
    #[error("background responses are not supported: leave out \"background\"")]
    BackgroundUnsupported,
    /// The store refused a record, and nothing goes on without one.
    #[error("the request could not be recorded, so it was not forwarded")]
    RecorderUnavailable,
    /// The gateway is stopping.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// As many requests are under way as the settings allow.
    #[error("the gateway has {0} requests under way and takes no more at once: try again in a second")]
    Overloaded(u32),
    /// An actor has used up what the settings allow in a minute.
    #[error(transparent)]
    RateLimited(#[from] Box<RateLimited>),
    /// All keys cool down, at least one for a rate limit.
    #[error("all configured keys are rate-limited")]
    KeysRateLimited {
        /// Until the first key can be tried again.
        retry_after: Duration,
    },
    /// All keys were rejected.
    #[error("all configured keys were rejected by the provider")]
    KeysRejected,
    /// The provider keeps failing, so it is not called.
    #[error("circuit breaker is open")]
    CircuitOpen {
        /// Until the next trial.
        retry_after: Duration,
    },
    /// Refused, reset, no DNS, connect timeout.
    #[error("the provider cannot be reached: {0}")]
    UpstreamUnreachable(String),
    /// The connection broke after the answer had begun.
    #[error("the connection to the provider broke before its answer was complete")]
    UpstreamBroken,
    /// An answer that is no HTTP, or has a status that no answer may have.
    #[error("the provider's answer is not valid HTTP: check that base_url is the address of its API")]
    AnswerInvalid,
    /// An answer too large to be held until it is recorded.
    #[error("the provider's answer holds more than {0} bytes in one piece")]
    AnswerTooLarge(usize),
    /// A defect of the gateway.
    #[error("the gateway failed on this request: its log says why")]
    Internal,
    /// No answer in time.
    #[error("the provider did not answer within {0:?}")]
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
            Self::QueryTooBroad(_) => (S::BAD_REQUEST, INVALID, "query_too_broad"),
            Self::UnknownInterception(_) => (S::NOT_FOUND, INVALID, "unknown_interception"),
            Self::TooManyReaders => (S::SERVICE_UNAVAILABLE, "server_error", "too_many_readers"),
            Self::RecordsTooSlow(_) => (S::GATEWAY_TIMEOUT, "server_error", "records_timeout"),
            Self::RecordsUnavailable => (S::SERVICE_UNAVAILABLE, "server_error", "records_unavailable"),
            Self::InvalidGatewayToken(_) => {
                (S::UNAUTHORIZED, "authentication_error", "invalid_gateway_token")
            }
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
            Self::UpstreamUnreachable(_) | Self::UpstreamBroken => {
                (S::BAD_GATEWAY, "api_error", "upstream_unreachable")
            }
            Self::AnswerInvalid => (S::BAD_GATEWAY, "api_error", "answer_invalid"),
            Self::AnswerTooLarge(_) => (S::BAD_GATEWAY, "api_error", "answer_too_large"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "server_error", "internal_error"),
            Self::UpstreamTimeout(_) => (S::GATEWAY_TIMEOUT, "api_error", "upstream_timeout"),
        }
    }

    /// The error's `code`.
    pub fn code(&self) -> &'static str {
        self.class().2
    }

    /// The limit of the settings that it is about: `concurrency`, `requests` or `tokens`.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Overloaded(_) => Some("concurrency"),
            Self::RateLimited(limited) => Some(limited.exceeded.unit.as_str()),
            _ => None,
        }
    }

    /// The `error_type` of an interception that ended with this error. Requests that are refused before they are
    /// recorded have one too, for traces.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::InvalidJson(_)
            | Self::InvalidModel(_)
            | Self::InvalidPath(_)
            | Self::TokenInUrl
            | Self::InvalidParameter { .. }
            | Self::QueryTooBroad(_)
            | Self::UnknownInterception(_)
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
            Self::InvalidGatewayToken(_) | Self::NoCredential(_) => ErrorType::Authentication,
            Self::AdminOnly(_) | Self::ByokDisabled | Self::HostNotAllowed(_) | Self::OriginNotAllowed(_) => {
                ErrorType::Permission
            }
            Self::RateLimited(_) | Self::TooManyReaders => ErrorType::RateLimited,
            Self::KeysRateLimited { .. } | Self::KeysRejected => ErrorType::KeysExhausted,
            Self::CircuitOpen { .. } => ErrorType::CircuitOpen,
            Self::UpstreamUnreachable(_) => ErrorType::UpstreamUnreachable,
            Self::UpstreamTimeout(_) => ErrorType::UpstreamTimeout,
            Self::UpstreamBroken => ErrorType::StreamError,
            Self::AnswerInvalid | Self::AnswerTooLarge(_) => ErrorType::InvalidResponse,
            Self::ShuttingDown => ErrorType::Shutdown,
            Self::Overloaded(_)
            | Self::RecorderUnavailable
            | Self::RecordsTooSlow(_)
            | Self::RecordsUnavailable
            | Self::Internal => ErrorType::GatewayError,
        }
    }

    /// `{"message":…,"type":…,"param":…,"code":…}`.
    pub fn to_object(&self) -> String {
        let (_, kind, code) = self.class();
        let message = serde_json::Value::from(self.to_string());
        let param = match self {
            Self::InvalidParameter { name, .. } => name.as_str().into(),
            _ => serde_json::Value::Null,
        };
        format!(r#"{{"message":{message},"type":"{kind}","param":{param},"code":"{code}"}}"#)
    }

    /// The answer as it goes to the client.
    pub fn to_response(&self) -> Response<Bytes> {
        let (status, _, code) = self.class();
        let mut response = Response::new(Bytes::from(format!(r#"{{"error":{}}}"#, self.to_object())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ERROR_HEADER, HeaderValue::from_static(code));
        match self {
            Self::KeysRateLimited { retry_after } | Self::CircuitOpen { retry_after } => {
                headers.insert(header::RETRY_AFTER, whole_seconds(*retry_after).into());
            }
            Self::Overloaded(_) | Self::TooManyReaders => {
                headers.insert(header::RETRY_AFTER, whole_seconds(TRY_AGAIN_IN).into());
            }
            Self::RateLimited(limited) => {
                headers.insert(header::RETRY_AFTER, whole_seconds(limited.retry_after).into());
                limited.add_headers(headers);
            }
            Self::MethodNotAllowed { allow, .. } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            // RFC 9110 §11.6.1.
            Self::InvalidGatewayToken(_) | Self::NoCredential(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // RFC 9110 §7.8: who sends `Upgrade` names it in `Connection`.
            Self::WebsocketUnsupported => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("HTTP/1.1"));
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            }
            // What is left of the request is not read, so the connection cannot be used again.
            Self::ShuttingDown | Self::RequestIncomplete(_) | Self::RequestMalformed(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// `Retry-After` is whole seconds (RFC 9110 §10.2.3): rounded up, so that a client never comes too early.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_shape_of_the_api() {
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
    fn nobody_is_blamed_for_what_others_did() {
        let table = [
            (Error::Internal, "gateway_error", 500, "internal_error"),
            (Error::RecorderUnavailable, "gateway_error", 503, "recorder_unavailable"),
            (Error::AnswerInvalid, "invalid_response", 502, "answer_invalid"),
            (Error::AnswerTooLarge(1), "invalid_response", 502, "answer_too_large"),
            (Error::UpstreamBroken, "stream_error", 502, "upstream_unreachable"),
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
