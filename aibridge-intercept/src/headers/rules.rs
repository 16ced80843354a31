//! The one list of header rules. Names are compared with `_` read as `-`, because CGI-style servers do not distinguish
//! the two: `X_Forwarded_For` must not pass where `X-Forwarded-For` may not.

use super::ToProvider;
use crate::credential::contains_access_token;
use http::header::{self, HeaderMap, HeaderName};
use std::borrow::Cow;

/// The gateway's own names. A client could use them to impersonate an actor, a provider to imitate the gateway.
const GATEWAY_PREFIXES: [&str; 3] = ["x-aibridge-", "x-ai-bridge-", "x-coder-"];

/// `name`, which is in lower case, with `_` read as `-`. Does not allocate for a name without `_`.
pub(crate) fn canonical(name: &str) -> Cow<'_, str> {
    if memchr::memchr(b'_', name.as_bytes()).is_none() {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.replace('_', "-"))
    }
}

/// Whether the header `name`, in canonical form, may go from a client to the provider.
pub(super) fn reaches_provider(name: &str, rules: &ToProvider<'_>) -> bool {
    match name {
        "host" | "content-length" | "accept-encoding" | "expect" => false,
        "content-encoding" => !rules.decompressed,
        // Credentials. The provider gets the one that the gateway chose.
        "authorization" | "x-api-key" | "api-key" | "x-goog-api-key" | "cookie" => false,
        // What proxies say of themselves and of the client.
        "forwarded" | "via" | "x-real-ip" => false,
        // A server behind the allow-list of routes and methods may act on these instead of on the request line.
        "x-http-method-override" | "x-http-method" | "x-method-override" => false,
        "x-original-url" | "x-rewrite-url" => false,
        // The gateway sends its own if traces are propagated.
        "traceparent" | "tracestate" => false,
        // A client does not choose who is billed for a pool key.
        "openai-organization" | "openai-project" => !rules.centralized,
        other => !is_hop_by_hop(other) && !other.starts_with("x-forwarded-") && !is_gateways_own(other),
    }
}

/// Whether the header `name`, in canonical form, may go from the provider to a client.
pub(super) fn reaches_client(name: &str, centralized: bool) -> bool {
    match name {
        "content-length" | "set-cookie" | "alt-svc" | "strict-transport-security" => false,
        "openai-organization" | "openai-project" => !centralized,
        // Which web pages may read a response is the gateway's decision.
        other => {
            !is_hop_by_hop(other)
                && !other.starts_with("x-aibridge-")
                && !other.starts_with("access-control-")
        }
    }
}

fn is_gateways_own(name: &str) -> bool {
    GATEWAY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// RFC 9110 §7.6.1, and older names of the same kind.
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

/// The names, in canonical form, that `Connection` declares hop-by-hop. A malformed name costs only itself. `close` and
/// `keep-alive` among them are harmless: no end-to-end header has these names.
pub(super) fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .map(|name| canonical(name.as_str()).into_owned())
        .collect()
}

/// The headers of which any value contains an access token. Nearly always empty.
pub(super) fn with_access_token(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .iter()
        .filter(|(_, value)| contains_access_token(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect()
}
