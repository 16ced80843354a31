//! Bodies beyond the limit, by whichever way they come.

use super::{INVALID, RESPONSES, assert_own, assert_untouched, with_settings};
use crate::encode::ENCODINGS;
use crate::harness::{Harness, provider_settings};
use crate::ways::{CHAT, KEYS};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};

const LIMIT: usize = 10_000;
const SETTINGS: &str = "[server]\nmax_body_bytes = 10000";

/// A JSON object of exactly `length` bytes.
fn object(length: usize) -> String {
    format!(r#"{{"pad":"{}"}}"#, "x".repeat(length - 10))
}

fn chunked(target: &str, body: &str) -> Vec<u8> {
    let mut bytes = request("POST", target, &[("Transfer-Encoding", "chunked")], b"");
    for chunk in body.as_bytes().chunks(4_000) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

#[tokio::test]
async fn the_limit_itself_is_allowed_and_a_byte_more_is_not() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    for target in [CHAT.target, RESPONSES] {
        for (length, fits) in [(LIMIT, true), (LIMIT + 1, false), (5_000_000, false)] {
            let body = object(length);
            let with_length = request("POST", target, &[], body.as_bytes());
            for (about, bytes) in [("Content-Length", with_length), ("chunked", chunked(target, &body))] {
                let before = provider.received().len();
                let mut client = RawClient::connect(gateway.address).await;
                // A client that is busy sending gets to see the answer, and keeps its connection.
                for _ in 0..2 {
                    let answer = client.ask(&bytes).await;
                    if fits {
                        assert_eq!(answer.status(), 200, "{about} {length}");
                    } else {
                        assert_own(&answer, 413, INVALID, "request_too_large", about);
                    }
                }
                assert_eq!(provider.received().len() - before, if fits { 2 } else { 0 }, "{about} {length}");
            }
        }
    }
    assert_eq!(gateway.store.rows("aibridge_interceptions").len(), provider.received().len());
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_before_it_sends() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    let mut client = RawClient::connect(gateway.address).await;
    let headers = [("Expect", "100-continue"), ("Content-Length", "10001")];
    client.send(&request("POST", CHAT.target, &headers, b"")).await;
    let head = client.head().await;
    assert_eq!((head.status, head.header("x-aibridge-error")), (413, Some("request_too_large")));
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn a_bomb_hits_the_limit() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    let text = object(2_000_000);
    for (encoding, encode) in ENCODINGS {
        let bomb = encode(text.as_bytes());
        assert!(bomb.len() < LIMIT, "{encoding}: {} bytes", bomb.len());
        for target in [CHAT.target, RESPONSES] {
            let answer =
                RawClient::post(gateway.address, target, &[("Content-Encoding", encoding)], &bomb).await;
            assert_own(&answer, 413, INVALID, "request_too_large", encoding);
        }
    }
    assert_untouched(&provider, &gateway);
    for (encoding, encode) in ENCODINGS {
        let body = encode(object(LIMIT).as_bytes());
        let answer =
            RawClient::post(gateway.address, RESPONSES, &[("Content-Encoding", encoding)], &body).await;
        assert_eq!(answer.status(), 200, "{encoding}: the limit counts what was decompressed");
    }
}

#[tokio::test]
async fn what_is_passed_through_is_limited_only_if_it_has_to_be_kept() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let target = "/openai/v1/conversations";
    for (keys, fits) in [(&KEYS[..1], true), (&KEYS[..2], false)] {
        let settings = format!("{SETTINGS}\n{}", provider_settings(&provider.base_url(), keys));
        let gateway = Harness::start(&settings).await;
        let body = object(200_000);
        for bytes in [request("POST", target, &[], body.as_bytes()), chunked(target, &body)] {
            let before = provider.received().len();
            let answer = RawClient::connect(gateway.address).await.ask(&bytes).await;
            let received = &provider.received()[before..];
            if fits {
                assert_eq!((answer.status(), received[0].body == body), (200, true));
            } else {
                assert_own(&answer, 413, INVALID, "request_too_large", "two keys");
                assert!(received.is_empty());
            }
        }
    }
}
