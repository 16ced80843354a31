//! The rules for header names. Names are compared with `_` as `-`, because CGI-style servers do not distinguish the two:
//! `X_Forwarded_For` must not pass where `X-Forwarded-For` may not.

use super::RequestHeaderRules;
use crate::credential::contains_access_token;
use http::header::{self, HeaderMap, HeaderName};
use std::borrow::Cow;

/// The gateway's own names. A client could impersonate an actor with them, and a provider the gateway.
const GATEWAY_PREFIXES: [&str; 3] = ["x-aibridge-", "x-ai-bridge-", "x-coder-"];

/// The canonical form of `name`, which is in lower case: with `_` as `-`. Allocates only for a name with `_`.
pub(crate) fn canonical(name: &str) -> Cow<'_, str> {
    if memchr::memchr(b'_', name.as_bytes()).is_none() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.replace('_', "-"))
    }
}

/// Whether a client's header `name`, in canonical form, is forwarded to the provider.
pub(super) fn is_forwarded_upstream(name: &str, rules: &RequestHeaderRules<'_>) -> bool {
    match name {
        "host" | "content-length" | "accept-encoding" | "expect" => false,
        "content-encoding" => !rules.decompressed,
        // Credentials: the gateway sends its own.
        "authorization" | "x-api-key" | "api-key" | "x-goog-api-key" | "cookie" => false,
        // Information of proxies about themselves and the client.
        "forwarded" | "via" | "x-real-ip" => false,
        // A server behind the allow-list of routes and methods may act on these instead of on the request line.
        "x-http-method-override" | "x-http-method" | "x-method-override" => false,
        "x-original-url" | "x-rewrite-url" => false,
        // Trace context: the gateway sends its own if traces are propagated.
        "traceparent" | "tracestate" => false,
        // Selects the account that is billed for a pool key.
        name if names_account(name) => !rules.centralized,
        other => !is_hop_by_hop(other) && !other.starts_with("x-forwarded-") && !is_gateway_name(other),
    }
}

/// Whether a provider's header `name`, in canonical form, is forwarded to the client.
pub(super) fn is_forwarded_downstream(name: &str, centralized: bool) -> bool {
    match name {
        "content-length" | "set-cookie" | "alt-svc" | "strict-transport-security" => false,
        name if names_account(name) => !centralized,
        // The gateway decides which web pages may read a response (CORS).
        other => {
            !is_hop_by_hop(other)
                && !other.starts_with("x-aibridge-")
                && !other.starts_with("access-control-")
        }
    }
}

/// Whether a header names an account, or a part of one, at a provider.
fn names_account(name: &str) -> bool {
    matches!(
        name,
        "openai-organization" | "openai-project" | "anthropic-organization-id" | "anthropic-workspace-id"
    )
}

fn is_gateway_name(name: &str) -> bool {
    GATEWAY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a header is hop-by-hop by RFC 9110 §7.6.1, or an older name of that kind.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// The names, in canonical form, that `Connection` declares hop-by-hop. Malformed names are ignored. `close` and
/// `keep-alive` are harmless: no end-to-end header has these names.
pub(super) fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .map(|name| canonical(name.as_str()).into_owned())
        .collect()
}

/// The names of headers with an access token in any value. The result is nearly always empty.
pub(super) fn with_access_token(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .iter()
        .filter(|(_, value)| contains_access_token(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect()
}
