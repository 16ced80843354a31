//! The headers of a client that reach the provider.

use super::sorted;
use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS, OWN_BEARER};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, ReceivedRequest, ScriptedProvider, request};

/// End-to-end headers, which are forwarded unchanged.
const OWN: [(&str, &str); 13] = [
    ("Accept", "application/json"),
    ("User-Agent", "codex_cli_rs/0.50.0"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("OpenAI-Beta", "assistants=v2"),
    ("OpenAI-Beta", "realtime=v1"),
    ("X-Stainless-Lang", "python"),
    ("Idempotency-Key", "stainless-retry-1"),
    ("session_id", "0199"),
    ("Originator", "codex_cli_rs"),
    ("Origin", "http://localhost:3000"),
    ("Accept-Language", "de, en;q=0.5"),
    ("X-Empty", ""),
    ("Cache-Control", "no-store"),
];

/// Hop-by-hop headers, secrets, and headers that the gateway sets.
const DROPPED: [(&str, &str); 27] = [
    ("Connection", "keep-alive, X-Hop , X-Other-Hop"),
    ("X-Hop", "1"),
    ("x-other-hop", "2"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic c2VjcmV0"),
    ("TE", "trailers"),
    ("Trailer", "X-Checksum"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
    ("Expect", "100-continue"),
    ("X-Api-Key", "secret"),
    ("Api-Key", "secret"),
    ("Cookie", "session=secret"),
    ("Forwarded", "for=192.0.2.1"),
    ("Via", "1.1 proxy"),
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Anything", "x"),
    ("X-Real-IP", "192.0.2.1"),
    ("X-AIBridge-Anything", "x"),
    ("X-AI-Bridge-Actor-ID", "root"),
    ("X-AI-Bridge-Actor-Metadata-Email", "root@example.org"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", "vendor=state"),
    ("X-Coder-Anything", "x"),
    ("x-coder-ai-governance-token", "aib_secret"),
];

/// Dropped with a pool key, where they could bill another account; forwarded with a BYOK key.
const BILLING: [(&str, &str); 2] = [("OpenAI-Organization", "org-1"), ("OpenAI-Project", "proj_1")];

async fn provider() -> ScriptedProvider {
    ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await
}

/// Sends `headers`, and returns the request that the provider received.
async fn forward(
    gateway: &Harness,
    provider: &ScriptedProvider,
    endpoint: &Endpoint,
    headers: &[(&str, &str)],
) -> ReceivedRequest {
    let mut client = RawClient::connect(gateway.address).await;
    client.call(&request("POST", endpoint.target, headers, endpoint.body.as_bytes())).await;
    provider.received().pop().expect("a request")
}

#[tokio::test]
async fn the_provider_gets_exactly_the_end_to_end_headers() {
    let provider = provider().await;
    for (keys, key) in [(&KEYS[..1], format!("Bearer {}", KEYS[0])), (&[], OWN_BEARER.to_owned())] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for endpoint in &ENDPOINTS {
            let replaced = [("Authorization", OWN_BEARER), ("Accept-Encoding", "gzip, br")];
            let headers = [&OWN[..], &DROPPED, &BILLING, &replaced].concat();
            let request = forward(&gateway, &provider, endpoint, &headers).await;
            let (host, length) = (provider.address().to_string(), endpoint.body.len().to_string());
            let added = [
                ("Host", host.as_str()),
                ("Content-Length", &length),
                ("Authorization", &key),
                ("Accept-Encoding", "identity"),
            ];
            let billing = if keys.is_empty() { &BILLING[..] } else { &[] };
            let expected = [&OWN[..], &added, billing].concat();
            assert_eq!(sorted(&request.headers), sorted(&expected), "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn values_keep_their_order_and_bytes() {
    let provider = provider().await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let head = b"POST /openai/v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
        X-Name: caf\xe9 \xc3\xa9\r\nX-Many: b\r\nX-Many: a, c\r\nX-Many: b\r\nX-Spaced:  a  b \t\r\n\r\n{}";
    RawClient::connect(gateway.address).await.call(head).await;
    let request = provider.received().pop().unwrap();
    assert_eq!(request.header_values("x-many"), ["b", "a, c", "b"]);
    assert_eq!(request.header("x-spaced"), Some("a  b"));
    assert!(
        request.raw_head.windows(8).any(|window| window == b"caf\xe9 \xc3\xa9\r"),
        "{:?}",
        request.raw_head
    );
}

#[tokio::test]
async fn connection_options_cannot_remove_headers_of_the_gateway() {
    let provider = provider().await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1])
        + "extra_headers = { X-Tenant = \"t1\" }\nsend_actor_headers = true\n";
    let gateway = Harness::start(&settings).await;
    let named = "authorization, X-Tenant, x-ai-bridge-actor-id, user-agent, host, content-length, nonsense(";
    for endpoint in &ENDPOINTS {
        let headers = [("Connection", named), ("User-Agent", "mine"), ("X-Tenant", "t2")];
        let request = forward(&gateway, &provider, endpoint, &headers).await;
        assert_eq!(request.bearer(), Some(KEYS[0]), "{}", endpoint.name);
        assert_eq!(request.header_values("x-tenant"), ["t1"], "{}", endpoint.name);
        assert_eq!(request.header_values("x-ai-bridge-actor-id"), ["anonymous"], "{}", endpoint.name);
        assert_eq!(request.header_values("user-agent"), [USER_AGENT], "{}: it was named", endpoint.name);
        assert_eq!(request.body, endpoint.body, "{}", endpoint.name);
    }
}

/// The `User-Agent` of the gateway, for clients without one.
const USER_AGENT: &str = concat!("aibridge/", env!("CARGO_PKG_VERSION"));

#[tokio::test]
async fn the_user_agent_defaults_to_the_gateway() {
    let provider = provider().await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    for endpoint in &ENDPOINTS {
        for (headers, expected) in
            [(&[][..], USER_AGENT), (&[("User-Agent", "zed/1.2 (linux)")], "zed/1.2 (linux)")]
        {
            let request = forward(&gateway, &provider, endpoint, headers).await;
            assert_eq!(request.header_values("user-agent"), [expected], "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn extra_headers_replace_those_of_the_client() {
    let provider = provider().await;
    let extra =
        [("OpenAI-Organization", "org-ours"), ("X-Tenant", "t1"), ("User-Agent", "ours/1"), ("Api-Key", "k")];
    let table = extra.map(|(name, value)| format!("{name} = \"{value}\"")).join(", ");
    for keys in [&KEYS[..1], &[]] {
        let settings =
            provider_settings(&provider.base_url(), keys) + &format!("extra_headers = {{ {table} }}\n");
        let gateway = Harness::start(&settings).await;
        for endpoint in &ENDPOINTS {
            let headers = extra.map(|(name, _)| (name, "the client's"));
            let headers = [&headers[..], &[("Authorization", OWN_BEARER)]].concat();
            let request = forward(&gateway, &provider, endpoint, &headers).await;
            for (name, value) in extra {
                assert_eq!(request.header_values(name), [value], "{} {name}", endpoint.name);
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_a_body_has_no_body_headers() {
    let provider = provider().await;
    for keys in [&KEYS[..1], &KEYS[..2]] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let mut client = RawClient::connect(gateway.address).await;
        let headers = [("Accept", "*/*"), ("User-Agent", "x")];
        client.call(&request("GET", "/openai/v1/models", &headers, b"")).await;
        let request = provider.received().pop().unwrap();
        let (host, key) = (provider.address().to_string(), format!("Bearer {}", KEYS[0]));
        let added = [("Host", host.as_str()), ("Authorization", &key), ("Accept-Encoding", "identity")];
        let expected = [&headers[..], &added].concat();
        assert_eq!(sorted(&request.headers), sorted(&expected));
    }
}

#[tokio::test]
async fn host_and_path_follow_the_base_url() {
    let provider = provider().await;
    for (base, path) in [
        ("/v1", "/v1/chat/completions"),
        ("/deep/er/v1/", "/deep/er/v1/chat/completions"),
        ("", "/chat/completions"),
    ] {
        let base_url = format!("http://{}{base}", provider.address());
        let gateway = Harness::with_keys(&base_url, &KEYS[..1]).await;
        let request = forward(&gateway, &provider, CHAT, &[]).await;
        assert_eq!(request.target, path);
        assert_eq!(request.header_values("host"), [provider.address().to_string()]);
    }
}
