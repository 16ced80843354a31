//! Bodies over the size limit, in every framing and encoding.

use super::{INVALID, RESPONSES, assert_own, assert_untouched, with_settings};
use crate::encode::ENCODINGS;
use crate::endpoints::{CHAT, KEYS};
use crate::harness::{Harness, provider_settings};
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
async fn a_body_of_the_maximum_size_is_accepted_and_one_byte_more_is_refused() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    for target in [CHAT.target, RESPONSES] {
        for (length, fits) in [(LIMIT, true), (LIMIT + 1, false), (5_000_000, false)] {
            let body = object(length);
            let with_length = request("POST", target, &[], body.as_bytes());
            for (about, bytes) in [("Content-Length", with_length), ("chunked", chunked(target, &body))] {
                let before = provider.received().len();
                let mut client = RawClient::connect(gateway.address).await;
                // A client that is still sending receives the response, and its connection stays usable.
                for _ in 0..2 {
                    let response = client.call(&bytes).await;
                    if fits {
                        assert_eq!(response.status(), 200, "{about} {length}");
                    } else {
                        assert_own(&response, 413, INVALID, "request_too_large", about);
                    }
                }
                assert_eq!(provider.received().len() - before, if fits { 2 } else { 0 }, "{about} {length}");
            }
        }
    }
    assert_eq!(gateway.store.rows("aibridge_interceptions").len(), provider.received().len());
}

#[tokio::test]
async fn expect_100_continue_is_refused_before_a_large_body() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    let mut client = RawClient::connect(gateway.address).await;
    let headers = [("Expect", "100-continue"), ("Content-Length", "10001")];
    client.send(&request("POST", CHAT.target, &headers, b"")).await;
    let head = client.head().await;
    assert_eq!((head.status, head.header("x-aibridge-error")), (413, Some("request_too_large")));
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn a_decompression_bomb_is_refused() {
    let (provider, gateway) = with_settings(SETTINGS).await;
    let text = object(2_000_000);
    for (encoding, encode) in ENCODINGS {
        let bomb = encode(text.as_bytes());
        assert!(bomb.len() < LIMIT, "{encoding}: {} bytes", bomb.len());
        for target in [CHAT.target, RESPONSES] {
            let response =
                RawClient::post(gateway.address, target, &[("Content-Encoding", encoding)], &bomb).await;
            assert_own(&response, 413, INVALID, "request_too_large", encoding);
        }
    }
    assert_untouched(&provider, &gateway);
    for (encoding, encode) in ENCODINGS {
        let body = encode(object(LIMIT).as_bytes());
        let response =
            RawClient::post(gateway.address, RESPONSES, &[("Content-Encoding", encoding)], &body).await;
        assert_eq!(response.status(), 200, "{encoding}: the limit applies to the decompressed size");
    }
}

#[tokio::test]
async fn passthrough_bodies_are_limited_only_if_they_are_buffered() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let target = "/openai/v1/conversations";
    for (keys, fits) in [(&KEYS[..1], true), (&KEYS[..2], false)] {
        let settings = format!("{SETTINGS}\n{}", provider_settings(&provider.base_url(), keys));
        let gateway = Harness::start(&settings).await;
        let body = object(200_000);
        for bytes in [request("POST", target, &[], body.as_bytes()), chunked(target, &body)] {
            let before = provider.received().len();
            let response = RawClient::connect(gateway.address).await.call(&bytes).await;
            let received = &provider.received()[before..];
            if fits {
                assert_eq!((response.status(), received[0].body == body), (200, true));
            } else {
                assert_own(&response, 413, INVALID, "request_too_large", "two keys");
                assert!(received.is_empty());
            }
        }
    }
}
