//! Passthrough responses: relayed piece by piece, and truncated if the provider truncates them.

use super::{OWN, POOLS, assert_nothing_recorded};
use crate::endpoints::KEYS;
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, Gate, RawClient, Script, ScriptedProvider, Step, request};
use bytes::Bytes;

const TARGET: &str = "/openai/v1/responses/resp_1";

fn framings(length: usize) -> [Framing; 3] {
    [Framing::ContentLength(length as u64), Framing::Chunked, Framing::CloseDelimited]
}

#[tokio::test]
async fn a_response_is_relayed_piece_by_piece_with_its_length_if_known() {
    for framing in framings(6) {
        let gates = [Gate::new(), Gate::new()];
        let script_gates = gates.clone();
        let provider = ScriptedProvider::start(move |_| {
            let [first, second] = script_gates.clone();
            let script = Script::head(200, framing).then(Step::Await(first)).chunk("abc");
            script.then(Step::Await(second)).chunk("def").then(Step::End)
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("GET", TARGET, &[], b"")).await;
        let head = client.head().await; // before any byte of the body
        let length = matches!(framing, Framing::ContentLength(_)).then_some("6");
        assert_eq!(head.header("content-length"), length, "{framing:?}");
        assert_eq!(head.header("transfer-encoding"), length.is_none().then_some("chunked"), "{framing:?}");
        gates[0].open();
        assert_eq!(client.read_until("abc").await, "abc", "{framing:?}");
        gates[1].open();
        assert_eq!(client.read_to_end().await, (Bytes::from("def"), BodyEnd::Clean), "{framing:?}");
        assert_nothing_recorded(&gateway);
    }
}

#[tokio::test]
async fn a_large_response_arrives_complete() {
    let large: Bytes = (0..8_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for framing in framings(large.len()) {
        let sent = large.clone();
        let provider = ScriptedProvider::start(move |_| {
            sent.chunks(100_000)
                .fold(Script::head(200, framing), |script, piece| script.chunk(Bytes::copy_from_slice(piece)))
                .then(Step::End)
        })
        .await;
        for keys in POOLS {
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let response =
                RawClient::connect(gateway.address).await.call(&request("GET", TARGET, &[OWN], b"")).await;
            assert_eq!((response.body == large, response.end), (true, BodyEnd::Clean), "{framing:?}");
        }
    }
}

#[tokio::test]
async fn a_truncated_response_is_truncated_for_the_client() {
    let begun = |framing| Script::head(200, framing).chunk("abc");
    for (about, script) in [
        ("short of its length, closed", begun(Framing::ContentLength(6)).then(Step::Close)),
        ("short of its length, reset", begun(Framing::ContentLength(6)).then(Step::Reset)),
        ("without its last chunk, closed", begun(Framing::Chunked).then(Step::Close)),
        ("without its last chunk, reset", begun(Framing::Chunked).then(Step::Reset)),
        ("with half a chunk", begun(Framing::Chunked).then(Step::Bytes("5\r\nde".into())).then(Step::Close)),
        ("with no chunk", begun(Framing::Chunked).then(Step::Bytes("zz\r\nde\r\n".into())).then(Step::Close)),
        ("delimited by the end, reset", begun(Framing::CloseDelimited).then(Step::Reset)),
    ] {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("GET", TARGET, &[], b"")).await;
        match client.try_head().await {
            Some(head) if head.status == 200 => {
                assert_eq!(client.read_to_end().await.1, BodyEnd::Truncated, "{about}")
            }
            Some(head) => {
                assert_eq!(head.header("x-aibridge-error"), Some("upstream_unreachable"), "{about}")
            }
            None => {}
        }
    }
}

#[tokio::test]
async fn a_silent_provider_times_out() {
    let provider =
        ScriptedProvider::start(|_| Script::head(200, Framing::Chunked).chunk("abc").then(Step::Stall)).await;
    let settings =
        crate::harness::provider_settings(&provider.base_url(), &KEYS) + "stream_idle_timeout = \"100ms\"\n";
    let gateway = Harness::start(&settings).await;
    let response = RawClient::get(gateway.address, TARGET).await;
    assert_eq!((response.text(), response.end), ("abc", BodyEnd::Truncated));
    assert!(provider.wait_closed(0).await.by_peer);
}

#[tokio::test]
async fn a_disconnect_cancels_the_upstream_request() {
    for has_head in [false, true] {
        let mut provider = ScriptedProvider::start(move |_| match has_head {
            true => Script::head(200, Framing::Chunked).chunk("abc").then(Step::Stall),
            false => Script::new().then(Step::Stall),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("GET", TARGET, &[], b"")).await;
        provider.next_received().await;
        if has_head {
            client.head().await;
            client.read_until("abc").await;
        }
        client.reset();
        assert!(provider.wait_closed(0).await.by_peer, "has_head: {has_head}");
    }
}
