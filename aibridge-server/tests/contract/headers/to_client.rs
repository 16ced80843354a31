//! The headers of a provider that reach the client.

use super::sorted;
use crate::endpoints::{ENDPOINTS, Endpoint, KEYS, OWN_BEARER, recorded};
use crate::harness::Harness;
use aibridge_testkit::{Framing, RawClient, Script, ScriptedProvider, Step};

/// Headers that are relayed unchanged.
const RELAYED: [(&str, &str); 11] = [
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Server", "cloudflare"),
    ("X-Request-Id", "req_1"),
    ("OpenAI-Version", "2020-10-01"),
    ("OpenAI-Processing-Ms", "17"),
    ("X-RateLimit-Remaining-Tokens", "149998"),
    ("Retry-After-Ms", "1.5"),
    ("Vary", "Origin"),
    ("Vary", "Accept"),
    ("CF-Ray", "0123-FRA"),
    ("X-Empty", ""),
];

/// Hop-by-hop headers, headers about the host of the provider, and headers that the gateway sets.
const DROPPED: [(&str, &str); 15] = [
    ("Connection", "keep-alive, X-Hop"),
    ("X-Hop", "1"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Connection", "keep-alive"),
    ("Trailer", "X-Checksum"),
    ("Upgrade", "h2"),
    ("Set-Cookie", "__cf_bm=secret; path=/"),
    ("set-cookie", "_cfuvid=secret"),
    ("Alt-Svc", "h3=\":443\""),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "X-Request-ID"),
    ("X-AIBridge-Error", "rate_limit_exceeded"),
    ("X-AIBridge-Interception-Id", "00000000-0000-0000-0000-000000000000"),
];

const BILLING: [(&str, &str); 2] = [("OpenAI-Organization", "org-1"), ("OpenAI-Project", "proj_1")];

fn with_headers(script: Script) -> Script {
    let all = [&RELAYED[..], &DROPPED, &BILLING].concat();
    all.into_iter().fold(script, |script, (name, value)| script.header(name, value))
}

#[tokio::test]
async fn the_client_gets_exactly_the_end_to_end_headers() {
    for status in [200, 500] {
        let provider = ScriptedProvider::start(move |request| {
            with_headers(match status {
                200 => Endpoint::of(request).good_response(),
                _ => Script::json(status, "{}"),
            })
        })
        .await;
        for keys in [&KEYS[..1], &[]] {
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            for endpoint in &ENDPOINTS {
                let about = format!("{} {status} {keys:?}", endpoint.name);
                let response = endpoint.call(&gateway, &[("Authorization", OWN_BEARER)]).await;
                assert_eq!(response.status(), status, "{about}");
                let (id, length) =
                    (response.header("x-aibridge-interception-id"), response.body.len().to_string());
                let mut expected = RELAYED.to_vec();
                if keys.is_empty() {
                    expected.extend(BILLING);
                }
                if endpoint.is_recorded {
                    recorded(&gateway, &response); // the id is that of the record, not that of the provider
                    expected.extend(id.map(|id| ("X-AIBridge-Interception-Id", id)));
                }
                if endpoint.name.ends_with("stream") && status == 200 {
                    expected.extend([
                        ("Content-Type", "text/event-stream; charset=utf-8"),
                        ("Transfer-Encoding", "chunked"),
                        ("Cache-Control", "no-cache"),
                        ("X-Accel-Buffering", "no"),
                    ]);
                } else {
                    expected.extend([("Content-Type", "application/json"), ("Content-Length", &length)]);
                }
                assert_eq!(sorted(&response.head.headers), sorted(&expected), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn values_keep_their_order_and_bytes() {
    let provider = ScriptedProvider::start(|_| {
        Script::new().then(Step::Bytes(
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name: caf\xe9 \xc3\xa9\r\nX-Many: b\r\nX-Many: a\r\n\r\n{}"[..])
                .into(),
        ))
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    for endpoint in &ENDPOINTS {
        let head = endpoint.call(&gateway, &[]).await.head;
        let many: Vec<_> = head
            .headers
            .iter()
            .filter(|(name, _)| name == "x-many")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(many, ["b", "a"], "{}", endpoint.name);
        assert!(
            head.raw.windows(8).any(|window| window == b"caf\xe9 \xc3\xa9\r"),
            "{} {head:?}",
            endpoint.name
        );
    }
}

#[tokio::test]
async fn every_stream_disables_proxy_buffering() {
    // Also the stream of a stored response, on a passthrough route.
    let provider = ScriptedProvider::start(|_| Script::sse("data: {}\n\ndata: [DONE]\n\n")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let streamed = RawClient::get(gateway.address, "/openai/v1/responses/resp_1?stream=true").await;
    assert_eq!(streamed.text(), "data: {}\n\ndata: [DONE]\n\n");
    let mut responses = vec![("stored", streamed)];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.name.ends_with("stream")) {
        responses.push((endpoint.name, endpoint.call(&gateway, &[]).await));
    }
    for (name, response) in responses {
        assert_eq!(response.header("cache-control"), Some("no-cache"), "{name}");
        assert_eq!(response.header("x-accel-buffering"), Some("no"), "{name}");
        assert_eq!(response.header("content-length"), None, "{name}");
    }
}

#[tokio::test]
async fn every_recorded_response_has_its_interception_id() {
    let table: [(&str, Script); 6] = [
        ("good", Script::json(200, "{}")),
        ("refused", Script::json(400, "{}")),
        ("exhausted", Script::json(429, "{}")),
        ("redirected", Script::json(307, "{}").header("Location", "/elsewhere")),
        ("unreachable", Script::new().then(Step::Reset)),
        ("broken", Script::head(200, Framing::ContentLength(99)).chunk("{").then(Step::Close)),
    ];
    for (about, script) in table {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, &[]).await;
            if endpoint.is_recorded {
                recorded(&gateway, &response);
            } else {
                assert_eq!(response.header("x-aibridge-interception-id"), None, "{about}");
            }
        }
    }
}
