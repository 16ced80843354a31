//! What is forwarded, both ways: the one list of header rules.

use crate::actor::Actor;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::str::FromStr;

/// The id of the interception, on every answer once it is recorded.
pub const INTERCEPTION_ID: HeaderName = HeaderName::from_static("x-aibridge-interception-id");

/// What decides which of a client's headers reach the provider.
#[derive(Debug)]
pub struct ToProvider<'a> {
    /// A key of the pool pays: the client does not choose organisation and project.
    pub centralized: bool,
    /// The body was decompressed to be edited.
    pub decompressed: bool,
    /// Added to every request, replacing the client's.
    pub extra: &'a HeaderMap,
    /// Who is told to the provider.
    pub actor: Option<&'a Actor>,
}

impl ToProvider<'_> {
    /// The headers of the upstream request, except for the credential.
    pub fn apply(&self, client: &HeaderMap) -> HeaderMap {
        let named = named_by_connection(client);
        let mut headers = HeaderMap::with_capacity(client.len() + self.extra.len() + 2);
        for (name, value) in client {
            if self.passes(name) && !named.contains(name) {
                headers.append(name, value.clone());
            }
        }
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(
                header::USER_AGENT,
                HeaderValue::from_static(concat!("aibridge/", env!("CARGO_PKG_VERSION"))),
            );
        }
        for name in self.extra.keys() {
            headers.remove(name);
        }
        for (name, value) in self.extra {
            headers.append(name, value.clone());
        }
        if let Some(actor) = self.actor {
            actor.add_headers(&mut headers);
        }
        headers
    }

    fn passes(&self, name: &HeaderName) -> bool {
        match name.as_str() {
            "host" | "content-length" | "accept-encoding" | "expect" => false,
            "content-encoding" => !self.decompressed,
            "authorization" | "x-api-key" | "api-key" | "cookie" => false,
            "forwarded" | "via" | "x-real-ip" => false,
            "traceparent" | "tracestate" => false, // the gateway's own, if the provider is to know
            "openai-organization" | "openai-project" => !self.centralized,
            other => {
                !is_hop_by_hop(other)
                    && !["x-forwarded-", "x-aibridge-", "x-ai-bridge-", "x-coder-"]
                        .iter()
                        .any(|prefix| other.starts_with(prefix))
            }
        }
    }
}

/// The headers of the client's answer, from the provider's. `Content-Length` is left to whoever sends the body.
pub fn to_client(provider: &HeaderMap, centralized: bool) -> HeaderMap {
    let named = named_by_connection(provider);
    let mut headers = HeaderMap::with_capacity(provider.len() + 3);
    for (name, value) in provider {
        let passes = match name.as_str() {
            "content-length" | "set-cookie" | "alt-svc" | "strict-transport-security" => false,
            "openai-organization" | "openai-project" => !centralized,
            other => !is_hop_by_hop(other) && !other.starts_with("x-aibridge-") && !is_cors(other),
        };
        if passes && !named.contains(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// Asks everything between here and the client not to hold a stream back.
pub fn add_streaming(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// Which web pages may read an answer is the gateway's decision: it would otherwise be open to those that the provider
/// is open to.
fn is_cors(name: &str) -> bool {
    name.starts_with("access-control-")
}

/// RFC 9110 §7.6.1, and what was hop-by-hop before it.
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

/// The names that `Connection` declares hop-by-hop. `close` and `keep-alive` among them are harmless: there are no
/// end-to-end headers of these names.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_str(name.trim()).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    const CLIENT: &[(&str, &str)] = &[
        ("host", "gateway"),
        ("connection", "keep-alive, X-Hop"),
        ("x-hop", "1"),
        ("keep-alive", "5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic x"),
        ("content-length", "2"),
        ("content-encoding", "zstd"),
        ("accept-encoding", "gzip"),
        ("authorization", "Bearer secret"),
        ("x-api-key", "secret"),
        ("api-key", "secret"),
        ("cookie", "a=b"),
        ("forwarded", "for=x"),
        ("via", "x"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-real-ip", "1.2.3.4"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "a=b"),
        ("x-aibridge-token", "aib_x"),
        ("x-ai-bridge-actor-id", "root"),
        ("x-coder-ai-governance-token", "aib_x"),
        ("openai-organization", "org"),
        ("openai-project", "proj"),
        ("user-agent", "codex/1"),
        ("x-stainless-lang", "python"),
        ("openai-beta", "a"),
        ("openai-beta", "b"),
        ("content-type", "application/json"),
    ];

    #[test]
    fn only_what_is_the_clients_own_reaches_the_provider() {
        let rules =
            ToProvider { centralized: true, decompressed: true, extra: &HeaderMap::new(), actor: None };
        let expected = map(&[
            ("user-agent", "codex/1"),
            ("x-stainless-lang", "python"),
            ("openai-beta", "a"),
            ("openai-beta", "b"),
            ("content-type", "application/json"),
        ]);
        assert_eq!(rules.apply(&map(CLIENT)), expected);
    }

    #[test]
    fn byok_keeps_the_organisation_and_an_unedited_body_its_encoding() {
        let rules =
            ToProvider { centralized: false, decompressed: false, extra: &HeaderMap::new(), actor: None };
        let headers = rules.apply(&map(CLIENT));
        assert_eq!(headers["openai-organization"], "org");
        assert_eq!(headers["openai-project"], "proj");
        assert_eq!(headers["content-encoding"], "zstd");
    }

    #[test]
    fn the_gateway_adds_its_own_and_cannot_be_spoofed() {
        let extra = map(&[("user-agent", "fixed"), ("x-team", "a")]);
        let mut actor = Actor::named("ann");
        actor.metadata.insert("Team".into(), "infra".into());
        actor.metadata.insert("bad name".into(), "left out".into());
        let rules = ToProvider { centralized: true, decompressed: false, extra: &extra, actor: Some(&actor) };
        let expected = map(&[
            ("user-agent", "fixed"),
            ("x-team", "a"),
            ("x-ai-bridge-actor-id", "ann"),
            ("x-ai-bridge-actor-metadata-team", "infra"),
        ]);
        let client = map(&[("x-ai-bridge-actor-id", "root"), ("user-agent", "x"), ("x-team", "b")]);
        assert_eq!(rules.apply(&client), expected);

        let rules =
            ToProvider { centralized: true, decompressed: false, extra: &HeaderMap::new(), actor: None };
        let ours = format!("aibridge/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(rules.apply(&HeaderMap::new())[header::USER_AGENT], ours);
    }

    #[test]
    fn answers_keep_what_is_meant_for_the_client() {
        let provider = map(&[
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("content-length", "12"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "a=b"),
            ("alt-svc", "h3"),
            ("strict-transport-security", "max-age=1"),
            ("openai-organization", "org"),
            ("openai-project", "proj"),
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "x-request-id"),
            ("x-ratelimit-limit-requests", "1"),
            ("x-request-id", "req_1"),
        ]);
        let pool = map(&[
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("x-ratelimit-limit-requests", "1"),
            ("x-request-id", "req_1"),
        ]);
        assert_eq!(to_client(&provider, true), pool);
        let byok = to_client(&provider, false);
        assert_eq!(
            (&byok["openai-organization"], &byok["openai-project"]),
            (&"org".parse().unwrap(), &"proj".parse().unwrap())
        );
    }
}
