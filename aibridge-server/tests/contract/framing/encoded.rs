//! Responses with a `Content-Encoding`.

use super::{HI, USAGE, send_stream};
use crate::dialects::{CHAT, DIALECTS, KEY};
use crate::encode::{ENCODINGS, Encode, deflate, flushed, gzip};
use crate::harness::Harness;
use crate::metrics::Scraped;
use aibridge_testkit::{BodyEnd, Framing, Gate, Script, ScriptedProvider, Step};
use bytes::Bytes;

async fn piece_of(client: &mut aibridge_testkit::RawClient, length: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < length {
        got.extend(client.piece().await.unwrap());
    }
    got
}

#[tokio::test]
async fn a_compressed_stream_is_relayed_unchanged_and_recorded_before_its_end() {
    for dialect in DIALECTS {
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            let about = format!("{} {encoding}", dialect.target);
            let pieces = flushed(encoding, &dialect.events);
            let gates: Vec<Gate> = pieces.iter().map(|_| Gate::new()).collect();
            let mut script = Script::sse_head().header("Content-Encoding", encoding);
            for (gate, piece) in gates.iter().zip(&pieces) {
                script = script.then(Step::Await(gate.clone())).chunk(piece.clone());
            }
            let script = script.then(Step::End);
            let provider = ScriptedProvider::start(move |_| script.clone()).await;
            let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
            let mut client = dialect.send(gateway.address, true).await;
            let head = client.head().await;
            assert_eq!(head.header("content-encoding"), Some(encoding), "{about}");
            for (gate, piece) in gates.iter().zip(&pieces) {
                gate.open();
                assert_eq!(&piece_of(&mut client, piece.len()).await, piece, "{about}");
            }
            let id = head.header("x-aibridge-interception-id").unwrap();
            assert_eq!(gateway.store.interception(id).unwrap()["outcome"], "completed", "{about}");
            assert_eq!(gateway.store.rows_of("aibridge_token_usages", id)[0]["input_tokens"], 9, "{about}");
            assert_eq!(gateway.store.rows_of("aibridge_tool_usages", id)[0]["tool"], "look", "{about}");
            assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Clean), "{about}");
        }
    }
}

/// Relays `body` as a stream. Returns its body and end for the client, the outcome, the number of usage rows, and the
/// number of undecodable responses.
async fn relay_stream(encoding: &str, body: Vec<u8>) -> (Bytes, BodyEnd, String, usize, f64) {
    let script = Script::head(200, Framing::Chunked).header("Content-Encoding", encoding);
    let script = script.chunk(body).then(Step::End);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = send_stream(&gateway).await;
    let head = client.head().await;
    let (body, end) = client.read_to_end().await;
    let row = gateway.store.interception(head.header("x-aibridge-interception-id").unwrap()).unwrap();
    let usages = gateway.store.rows("aibridge_token_usages").len();
    let counted =
        Scraped::of(&gateway).await.value(r#"aibridge_undecodable_responses_total{provider="openai"}"#);
    (body, end, row["outcome"].as_str().unwrap().to_owned(), usages, counted)
}

#[tokio::test]
async fn no_chunk_of_a_compressed_stream_is_withheld() {
    let body = gzip(format!("data: {HI}\n\ndata: {USAGE}\n\ndata: [DONE]\n\n").as_bytes());
    let expected = (body.clone().into(), BodyEnd::Clean, "completed".to_owned(), 1, 0.0);
    assert_eq!(relay_stream("gzip", body).await, expected);
}

#[tokio::test]
async fn a_compressed_json_body_is_extracted() {
    let body = gzip(CHAT.whole.as_bytes());
    let expected = (body.clone().into(), BodyEnd::Clean, "completed".to_owned(), 1, 0.0);
    assert_eq!(relay_stream("gzip", body).await, expected);
}

#[tokio::test]
async fn bytes_after_the_compressed_data_are_relayed_and_ignored() {
    let stream = format!("data: {HI}\n\ndata: {USAGE}\n\ndata: [DONE]\n\n");
    for (encoding, encode) in ENCODINGS.into_iter().chain([("deflate", deflate as Encode)]) {
        for text in [stream.as_str(), CHAT.whole] {
            for stray in [&b"\n"[..], b"some junk after the end"] {
                let body = [&encode(text.as_bytes())[..], stray].concat();
                let expected = (body.clone().into(), BodyEnd::Clean, "completed".to_owned(), 1, 0.0);
                assert_eq!(relay_stream(encoding, body).await, expected, "{encoding} {stray:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_body_fails_with_any_content_encoding() {
    for encoding in ["gzip", "deflate", "br", "zstd", "compress", "identity"] {
        for (streaming, error_type) in [(false, "invalid_response"), (true, "stream_error")] {
            let content_type = if streaming { "text/event-stream" } else { "application/json" };
            let script = Script::head(200, Framing::ContentLength(0))
                .header("Content-Encoding", encoding)
                .header("Content-Type", content_type)
                .then(Step::End);
            let provider = ScriptedProvider::start(move |_| script.clone()).await;
            let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
            let mut client = CHAT.send(gateway.address, streaming).await;
            let head = client.head().await;
            assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Clean), "{encoding} {streaming}");
            let id = head.header("x-aibridge-interception-id").unwrap();
            let row = gateway.store.interception(id).unwrap();
            assert_eq!(row["error_type"], error_type, "{encoding} {streaming}");
        }
    }
}

#[tokio::test]
async fn undecodable_responses_are_relayed_and_counted() {
    let plain = format!("data: {HI}\n\ndata: {USAGE}\n\n");
    for encoding in ["gzip", "br", "zstd", "compress", "gzip, br"] {
        let expected = (plain.clone().into(), BodyEnd::Clean, "completed".to_owned(), 0, 1.0);
        assert_eq!(relay_stream(encoding, plain.clone().into()).await, expected, "{encoding}");
    }
    let mut broken = flushed("gzip", &[&format!("data: {HI}\n\ndata: {USAGE}\n\n")]).concat();
    broken.extend_from_slice(&[0xff; 100]);
    let expected = (broken.clone().into(), BodyEnd::Clean, "completed".to_owned(), 0, 1.0);
    assert_eq!(relay_stream("gzip", broken).await, expected);
}

#[tokio::test]
async fn an_identity_content_encoding_is_ignored() {
    let plain = format!("data: {HI}\n\ndata: {USAGE}\n\ndata: [DONE]\n\n");
    let expected: Bytes = format!("data: {HI}\n\ndata: [DONE]\n\n").into();
    for encoding in ["identity", "utf-8", "none", "x-nonsense"] {
        let response = relay_stream(encoding, plain.clone().into()).await;
        assert_eq!(
            response,
            (expected.clone(), BodyEnd::Clean, "completed".to_owned(), 1, 0.0),
            "{encoding}"
        );
    }
}
