//! The bodies of refusals are read before it is decided what becomes of them; what is relayed is what came.

use crate::harness::Harness;
use crate::ways::{CHAT, KEYS, PASSTHROUGH, WAYS, Way, recorded};
use aibridge_testkit::{Framing, Script, ScriptedProvider, Step};
use std::time::Duration;

/// A body that is longer than what is read ahead, and compresses badly.
fn long() -> String {
    let numbers: Vec<_> = (0..30_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect();
    format!("{{\"error\":{{\"code\":\"insufficient_quota\"}},\"pad\":[{}]}}", numbers.join(","))
}

#[tokio::test]
async fn a_refusal_is_relayed_byte_for_byte_however_it_comes() {
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
            for way in [CHAT, CHAT, CHAT, PASSTHROUGH, PASSTHROUGH, PASSTHROUGH] {
                let answer = way.ask(&gateway, &[]).await;
                assert_eq!(answer.status(), status, "{} {status}", way.name);
                assert!(answer.text() == body, "{} {status}: {} bytes", way.name, body.len());
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
    let answer = CHAT.ask(&gateway, &[]).await;
    assert_eq!((answer.status(), answer.header("content-encoding")), (429, Some("gzip")));
    assert_eq!(answer.body, gzip);
    assert_eq!(recorded(&gateway, &answer)["error_type"], "quota");
    assert_eq!(PASSTHROUGH.ask(&gateway, &[]).await.header("x-aibridge-error"), Some("rate_limit_exceeded"));
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_no_answer() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => {
            Script::head(429, Framing::ContentLength(99)).chunk("{\"error\":").then(Step::Close)
        }
        _ => Way::of(request).good_answer(),
    })
    .await;
    // Another key is tried all the same;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    for way in &WAYS {
        assert_eq!(way.ask(&gateway, &[]).await.status(), 200, "{}", way.name);
    }
    // without one, what came is not taken for all of it.
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let answer = CHAT.ask(&gateway, &[]).await;
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (502, Some("upstream_unreachable")));
    assert_eq!(recorded(&gateway, &answer)["error_type"], "upstream_unreachable");
}
