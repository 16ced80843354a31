//! The gateway reads the body of a refusal before it decides on failover. A relayed refusal is byte-identical.

use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS, PASSTHROUGH, recorded};
use crate::harness::Harness;
use aibridge_testkit::{Framing, Script, ScriptedProvider, Step};
use std::time::Duration;

/// A body that exceeds the read-ahead limit and compresses badly.
fn long() -> String {
    let numbers: Vec<_> = (0..30_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect();
    format!("{{\"error\":{{\"code\":\"insufficient_quota\"}},\"pad\":[{}]}}", numbers.join(","))
}

#[tokio::test]
async fn a_refusal_is_relayed_byte_for_byte_in_every_framing() {
    let long = long();
    let small = "{ \"error\" : {\"code\":1.0} }\n";
    for status in [400, 401, 402, 403, 429] {
        for body in [small, "", &long] {
            let text = body.to_owned();
            let provider =
                ScriptedProvider::start(move |request| match (request.number % 3, text.is_empty()) {
                    (0, _) => Script::json(status, text.clone()),
                    (1, true) => Script::head(status, Framing::Chunked).then(Step::End),
                    (1, false) => Script::head(status, Framing::Chunked).chunk(text.clone()).then(Step::End),
                    _ => Script::head(status, Framing::CloseDelimited)
                        .then(Step::Bytes(text.clone().into()))
                        .then(Step::Close),
                })
                .await;
            let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
            for endpoint in [CHAT, CHAT, CHAT, PASSTHROUGH, PASSTHROUGH, PASSTHROUGH] {
                let response = endpoint.call(&gateway, &[]).await;
                assert_eq!(response.status(), status, "{} {status}", endpoint.name);
                assert!(response.text() == body, "{} {status}: {} bytes", endpoint.name, body.len());
                gateway.advance(Duration::from_secs(2 * 60 * 60));
            }
        }
    }
}

#[tokio::test]
async fn a_compressed_refusal_is_read_and_relayed_compressed() {
    let gzip = crate::encode::gzip(br#"{"error":{"code":"insufficient_quota"}}"#);
    let sent = gzip.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::json(429, sent.clone()).header("Content-Encoding", "gzip"))
            .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let response = CHAT.call(&gateway, &[]).await;
    assert_eq!((response.status(), response.header("content-encoding")), (429, Some("gzip")));
    assert_eq!(response.body, gzip);
    assert_eq!(recorded(&gateway, &response)["error_type"], "quota");
    assert_eq!(PASSTHROUGH.call(&gateway, &[]).await.header("x-aibridge-error"), Some("rate_limit_exceeded"));
}

#[tokio::test]
async fn a_truncated_refusal_is_not_relayed() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => {
            Script::head(429, Framing::ContentLength(99)).chunk("{\"error\":").then(Step::Close)
        }
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    // The request still fails over to another key.
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    for endpoint in &ENDPOINTS {
        assert_eq!(endpoint.call(&gateway, &[]).await.status(), 200, "{}", endpoint.name);
    }
    // Without another key, the partial body is not taken for a complete one.
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let response = CHAT.call(&gateway, &[]).await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (502, Some("upstream_unreachable")));
    assert_eq!(recorded(&gateway, &response)["error_type"], "upstream_unreachable");
}
