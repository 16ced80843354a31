//! Answers on their way to the client: piece by piece, and cut if they are.

use super::{OWN, POOLS, assert_nothing_recorded};
use crate::harness::Harness;
use crate::ways::KEYS;
use aibridge_testkit::{BodyEnd, Framing, Gate, RawClient, Script, ScriptedProvider, Step, request};
use bytes::Bytes;

const TARGET: &str = "/openai/v1/responses/resp_1";

fn framings(length: usize) -> [Framing; 3] {
    [Framing::ContentLength(length as u64), Framing::Chunked, Framing::CloseDelimited]
}

#[tokio::test]
async fn an_answer_arrives_piece_by_piece_with_its_length_if_that_is_known() {
    for framing in framings(6) {
        let gates = [Gate::new(), Gate::new()];
        let held = gates.clone();
        let provider = ScriptedProvider::start(move |_| {
            let [first, second] = held.clone();
            let script = Script::head(200, framing).then(Step::Await(first)).chunk("abc");
            script.then(Step::Await(second)).chunk("def").then(Step::End)
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("GET", TARGET, &[], b"")).await;
        let head = client.head().await; // before there is any body
        let length = matches!(framing, Framing::ContentLength(_)).then_some("6");
        assert_eq!(head.header("content-length"), length, "{framing:?}");
        assert_eq!(head.header("transfer-encoding"), length.is_none().then_some("chunked"), "{framing:?}");
        gates[0].open();
        assert_eq!(client.until("abc").await, "abc", "{framing:?}");
        gates[1].open();
        assert_eq!(client.rest().await, (Bytes::from("def"), BodyEnd::Clean), "{framing:?}");
        assert_nothing_recorded(&gateway);
    }
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
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
            let answer =
                RawClient::connect(gateway.address).await.ask(&request("GET", TARGET, &[OWN], b"")).await;
            assert_eq!((answer.body == large, answer.end), (true, BodyEnd::Clean), "{framing:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_looks_broken_off() {
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
            Some(head) if head.status == 200 => assert_eq!(client.rest().await.1, BodyEnd::Cut, "{about}"),
            Some(head) => {
                assert_eq!(head.header("x-aibridge-error"), Some("upstream_unreachable"), "{about}")
            }
            None => {}
        }
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_given_up() {
    let provider =
        ScriptedProvider::start(|_| Script::head(200, Framing::Chunked).chunk("abc").then(Step::Stall)).await;
    let settings =
        crate::harness::provider_settings(&provider.base_url(), &KEYS) + "stream_idle_timeout = \"100ms\"\n";
    let gateway = Harness::start(&settings).await;
    let answer = RawClient::get(gateway.address, TARGET).await;
    assert_eq!((answer.text(), answer.end), ("abc", BodyEnd::Cut));
    assert!(provider.closed(0).await.by_peer);
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_upstream() {
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
            client.until("abc").await;
        }
        client.reset();
        assert!(provider.closed(0).await.by_peer, "has_head: {has_head}");
    }
}
