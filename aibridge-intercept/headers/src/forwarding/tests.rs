//! Tests that only end-to-end headers without credentials are forwarded, in any spelling.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;

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
fn forwards_only_end_to_end_headers_upstream() {
    let rules = RequestHeaderRules {
        centralized: true,
        decompressed: true,
        auth_header: &header::AUTHORIZATION,
        extra: &HeaderMap::new(),
        actor: None,
    };
    let expected = map(&[
        ("accept-encoding", "identity"),
        ("user-agent", "codex/1"),
        ("x-stainless-lang", "python"),
        ("openai-beta", "a"),
        ("openai-beta", "b"),
        ("content-type", "application/json"),
    ]);
    assert_eq!(rules.apply(&map(CLIENT)), expected);
}

#[test]
fn keeps_the_organisation_with_byok_and_the_encoding_of_an_unedited_body() {
    let rules = RequestHeaderRules {
        centralized: false,
        decompressed: false,
        auth_header: &header::AUTHORIZATION,
        extra: &HeaderMap::new(),
        actor: None,
    };
    let headers = rules.apply(&map(CLIENT));
    assert_eq!(headers["openai-organization"], "org");
    assert_eq!(headers["openai-project"], "proj");
    assert_eq!(headers["content-encoding"], "zstd");
}

#[test]
fn adds_gateway_headers_that_a_client_cannot_spoof() {
    let extra = map(&[("user-agent", "fixed"), ("x-team", "a")]);
    let mut actor = Actor::named("ann");
    actor.metadata.insert("Team".into(), "infra".into());
    actor.metadata.insert("bad name".into(), "left out".into());
    let rules = RequestHeaderRules {
        centralized: true,
        decompressed: false,
        auth_header: &header::AUTHORIZATION,
        extra: &extra,
        actor: Some(&actor),
    };
    let expected = map(&[
        ("accept-encoding", "identity"),
        ("user-agent", "fixed"),
        ("x-team", "a"),
        ("x-ai-bridge-actor-id", "ann"),
        ("x-ai-bridge-actor-metadata-team", "infra"),
    ]);
    let client = map(&[("x-ai-bridge-actor-id", "root"), ("user-agent", "x"), ("x-team", "b")]);
    assert_eq!(rules.apply(&client), expected);

    let rules = RequestHeaderRules {
        centralized: true,
        decompressed: false,
        auth_header: &header::AUTHORIZATION,
        extra: &HeaderMap::new(),
        actor: None,
    };
    let ours = format!("aibridge/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(rules.apply(&HeaderMap::new())[header::USER_AGENT], ours);
}

#[test]
fn forwards_end_to_end_headers_downstream() {
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
        ("access_control_expose-headers", "x-request-id"),
        ("x-ratelimit-limit-requests", "1"),
        ("x-request-id", "req_1"),
    ]);
    let pool = map(&[
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("x-ratelimit-limit-requests", "1"),
        ("x-request-id", "req_1"),
    ]);
    assert_eq!(response_headers(&provider, true), pool);
    let byok = response_headers(&provider, false);
    assert_eq!(
        (&byok["openai-organization"], &byok["openai-project"]),
        (&"org".parse().unwrap(), &"proj".parse().unwrap())
    );
}

/// Names that are never forwarded with a pool key.
const DROPPED: [&str; 32] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-authentication-info",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "host",
    "content-length",
    "expect",
    "content-encoding",
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-any-thing",
    "x-aibridge-token",
    "x-ai-bridge-actor-id",
    "x-coder-ai-governance-token",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "openai-organization",
];

/// Spellings of `name`: with some hyphens as underscores, in any case.
fn spelling(name: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(any::<(bool, bool)>(), name.len()).prop_map(|changes| {
        let spelt = name.chars().zip(changes).map(|(char, (underscore, upper))| match char {
            '-' if underscore => '_',
            char if upper => char.to_ascii_uppercase(),
            char => char,
        });
        spelt.collect()
    })
}

fn pooled(headers: &HeaderMap) -> HeaderMap {
    RequestHeaderRules {
        centralized: true,
        decompressed: true,
        auth_header: &header::AUTHORIZATION,
        extra: &HeaderMap::new(),
        actor: None,
    }
    .apply(headers)
}

proptest! {
    #[test]
    fn no_spelling_of_a_dropped_name_passes(name in select(&DROPPED[..]).prop_flat_map(spelling)) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let client = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("1"))]);
        prop_assert!(!pooled(&client).contains_key(&name), "{}", name);
    }

    #[test]
    fn connection_drops_each_listed_name(
        spelt in spelling("x-some-hop"),
        before in prop::collection::vec(any::<u8>().prop_filter("a header value", |b| (*b >= 32 && *b != 127 && *b != b',') || *b == 9), 0..8),
    ) {
        let mut value = before;
        value.extend_from_slice(b",");
        value.extend_from_slice(spelt.as_bytes());
        value.extend_from_slice(b" , \xe9");
        let client = HeaderMap::from_iter([
            (header::CONNECTION, HeaderValue::from_bytes(&value).unwrap()),
            (HeaderName::from_static("x-some-hop"), HeaderValue::from_static("1")),
            (HeaderName::from_static("x_some_hop"), HeaderValue::from_static("2")),
            (HeaderName::from_static("x-other"), HeaderValue::from_static("3")),
        ]);
        for headers in [pooled(&client), response_headers(&client, true)] {
            prop_assert!(!headers.contains_key("x-some-hop") && !headers.contains_key("x_some_hop"));
            prop_assert_eq!(&headers["x-other"], "3");
        }
    }

    #[test]
    fn no_access_token_passes(
        name in "[a-z][a-z0-9_-]{0,20}",
        before in "[ -~]{0,12}",
        token in "aib_[A-Za-z0-9_-]{1,43}",
        after in "[ -~]{0,12}",
    ) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::try_from(format!("{before}{token}{after}")).unwrap();
        let mut client = HeaderMap::new();
        client.append(name.clone(), HeaderValue::from_static("harmless"));
        client.append(name.clone(), value);
        prop_assert!(!pooled(&client).contains_key(name));
    }
}

#[test]
fn an_extra_header_replaces_every_spelling_of_the_clients() {
    let extra = map(&[("x-tenant-id", "ours")]);
    let rules = RequestHeaderRules {
        centralized: false,
        decompressed: false,
        auth_header: &header::AUTHORIZATION,
        extra: &extra,
        actor: None,
    };
    let headers = rules.apply(&map(&[("x_tenant_id", "theirs"), ("x-tenant_id", "theirs")]));
    assert_eq!(headers["x-tenant-id"], "ours");
    assert!(!headers.contains_key("x_tenant_id") && !headers.contains_key("x-tenant_id"));
}

#[test]
fn answers_lose_their_secrets_in_any_spelling() {
    for name in
        ["set_cookie", "alt_svc", "strict_transport-security", "openai_organization", "x_aibridge_error"]
    {
        assert!(response_headers(&map(&[(name, "x")]), true).is_empty(), "{name}");
    }
    assert_eq!(response_headers(&map(&[("openai_project", "p")]), false)["openai_project"], "p");
}
