//! The errors for requests that are refused because of their head.

use aibridge_intercept::{ErrorKind, ErrorResponse};
use http::{HeaderValue, StatusCode, header};
use std::borrow::Cow;

/// The reason why a request is refused before it is read.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
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
    /// The request has no access token, or one that is unknown, expired or revoked.
    #[error("{0}")]
    InvalidAccessToken(&'static str),
    /// The store cannot check an access token.
    #[error("the access token could not be checked, so the request was not forwarded")]
    StoreUnavailable,
    /// The request contains the client's own key, which the settings do not allow.
    #[error("this gateway does not forward your own provider key: leave it out")]
    ByokDisabled,
    /// The request contains the client's own key, which the settings do not allow, and the provider has no key in the
    /// settings.
    #[error(
        "this gateway does not forward your own provider key, and the provider {0:?} has no keys here: ask its operator to configure one"
    )]
    ByokDisabledWithoutKeys(String),
    /// The route or provider does not exist.
    #[error("unknown route: {method} {path}")]
    UnknownRoute {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
    },
    /// The route exists, but not with this method.
    #[error("{method} is not allowed on {path}: use {allow}")]
    MethodNotAllowed {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The allowed methods.
        allow: Cow<'static, str>,
    },
    /// The request is a WebSocket upgrade on a bridged route.
    #[error("WebSocket is not supported: use HTTP with server-sent events")]
    WebsocketUnsupported,
}

impl Refusal {
    fn class(&self) -> (StatusCode, ErrorKind, &'static str) {
        use ErrorKind::{Authentication, InvalidRequest, Permission, Server};
        use StatusCode as S;
        match self {
            Self::InvalidPath(_) | Self::TokenInUrl => (S::BAD_REQUEST, InvalidRequest, "invalid_path"),
            Self::HostNotAllowed(_) => (S::FORBIDDEN, Permission, "host_not_allowed"),
            Self::OriginNotAllowed(_) => (S::FORBIDDEN, Permission, "origin_not_allowed"),
            Self::AdminOnly(_) => (S::FORBIDDEN, Permission, "admin_only"),
            Self::InvalidAccessToken(_) => (S::UNAUTHORIZED, Authentication, "invalid_gateway_token"),
            Self::StoreUnavailable => (S::SERVICE_UNAVAILABLE, Server, "recorder_unavailable"),
            Self::ByokDisabled | Self::ByokDisabledWithoutKeys(_) => {
                (S::FORBIDDEN, Permission, "byok_disabled")
            }
            Self::UnknownRoute { .. } => (S::NOT_FOUND, InvalidRequest, "unknown_route"),
            Self::MethodNotAllowed { .. } => (S::METHOD_NOT_ALLOWED, InvalidRequest, "method_not_allowed"),
            Self::WebsocketUnsupported => (S::UPGRADE_REQUIRED, InvalidRequest, "websocket_unsupported"),
        }
    }

    /// The error's `code`, which is stable.
    pub fn code(&self) -> &'static str {
        self.class().2
    }
}

impl From<Refusal> for ErrorResponse {
    fn from(refusal: Refusal) -> Self {
        let (status, kind, code) = refusal.class();
        let response = Self::new(status, kind, code, refusal.to_string());
        match refusal {
            Refusal::MethodNotAllowed { allow, .. } => {
                let allow = HeaderValue::try_from(allow.as_ref());
                allow.into_iter().fold(response, |response, allow| response.with_header(header::ALLOW, allow))
            }
            // RFC 9110 §11.6.1.
            Refusal::InvalidAccessToken(_) => {
                response.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            // RFC 9110 §7.8: a sender of `Upgrade` lists it in `Connection`.
            Refusal::WebsocketUnsupported => response
                .with_header(header::UPGRADE, HeaderValue::from_static("HTTP/1.1"))
                .with_header(header::CONNECTION, HeaderValue::from_static("upgrade")),
            Refusal::InvalidPath(_)
            | Refusal::TokenInUrl
            | Refusal::HostNotAllowed(_)
            | Refusal::OriginNotAllowed(_)
            | Refusal::AdminOnly(_)
            | Refusal::StoreUnavailable
            | Refusal::ByokDisabled
            | Refusal::ByokDisabledWithoutKeys(_)
            | Refusal::UnknownRoute { .. } => response,
        }
    }
}
