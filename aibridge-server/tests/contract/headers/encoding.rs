//! Compressed bodies: decompressed for reading, and forwarded unchanged unless they are edited.

use crate::encode::{ENCODINGS, gzip};
use crate::endpoints::{CHAT, KEYS};
use crate::harness::Harness;
use aibridge_testkit::{Framing, RawClient, Script, ScriptedProvider, Step};

const TARGETS: [&str; 2] = ["/openai/v1/chat/completions", "/openai/v1/responses"];
const PROMPT: &str = r#"{"model":"m" ,"input":"hi","messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test]
async fn an_unedited_compressed_body_is_forwarded_unchanged_and_recorded() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for (encoding, encode) in ENCODINGS.into_iter().chain([("GZip", gzip as _)]) {
        let body = encode(PROMPT.as_bytes());
        for target in TARGETS {
            let response =
                RawClient::post(gateway.address, target, &[("Content-Encoding", encoding)], &body).await;
            let request = provider.received().pop().unwrap();
            assert_eq!(request.body, body, "{target} {encoding}");
            assert_eq!(request.header_values("content-encoding"), [encoding], "{target}");
            let id = response.header("x-aibridge-interception-id").unwrap();
            assert_eq!(
                gateway.store.rows_of("aibridge_user_prompts", id)[0]["prompt"],
                "hi",
                "{target} {encoding}"
            );
            assert_eq!(gateway.store.interception(id).unwrap()["model"], "m");
        }
    }
}

#[tokio::test]
async fn an_edited_body_is_forwarded_uncompressed() {
    const STREAM: &str = r#"{"model":"m","stream":true}"#;
    const EDITED: &str = r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#;
    let provider = ScriptedProvider::start(|_| Script::sse("data: [DONE]\n\n")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for (encoding, encode) in ENCODINGS {
        let body = encode(STREAM.as_bytes());
        RawClient::post(gateway.address, CHAT.target, &[("Content-Encoding", encoding)], &body).await;
        let request = provider.received().pop().unwrap();
        assert_eq!(request.body, EDITED, "{encoding}");
        assert_eq!(request.header("content-encoding"), None, "{encoding}");
        assert_eq!(request.header_values("content-length"), [EDITED.len().to_string()], "{encoding}");
    }
}

#[tokio::test]
async fn identity_encoding_is_ignored() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for target in TARGETS {
        let headers = [("Content-Encoding", "identity")];
        assert_eq!(RawClient::post(gateway.address, target, &headers, PROMPT).await.status(), 200);
        assert_eq!(provider.received().pop().unwrap().body, PROMPT);
    }
}

#[tokio::test]
async fn passthrough_bodies_of_every_encoding_are_not_decompressed() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    for keys in [&KEYS[..1], &KEYS] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for encoding in ["gzip", "deflate", "nonsense, gzip"] {
            let headers = [("Content-Encoding", encoding)];
            RawClient::post(gateway.address, "/openai/v1/conversations", &headers, "\x01not gzip").await;
            let request = provider.received().pop().unwrap();
            assert_eq!(request.header_values("content-encoding"), [encoding]);
            assert_eq!(request.body, "\x01not gzip");
        }
    }
}

#[tokio::test]
async fn a_compressed_response_is_relayed_unchanged_and_recorded() {
    const ANSWER: &str =
        r#"{"usage":{"prompt_tokens":9,"completion_tokens":2,"input_tokens":9,"output_tokens":2}}"#;
    for (encoding, encode) in ENCODINGS {
        let body = encode(ANSWER.as_bytes());
        let sent = body.clone();
        let provider = ScriptedProvider::start(move |_| {
            Script::head(200, Framing::ContentLength(sent.len() as u64))
                .header("Content-Type", "application/json")
                .header("Content-Encoding", encoding)
                .then(Step::Bytes(sent.clone().into()))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        for target in TARGETS {
            // The gateway asks for no coding, whatever the client accepts.
            let response =
                RawClient::post(gateway.address, target, &[("Accept-Encoding", encoding)], "{}").await;
            assert_eq!(provider.received().pop().unwrap().header("accept-encoding"), Some("identity"));
            assert_eq!(response.body, body, "{target} {encoding}");
            assert_eq!(response.header("content-encoding"), Some(encoding));
            let id = response.header("x-aibridge-interception-id").unwrap();
            let usage = &gateway.store.rows_of("aibridge_token_usages", id)[0];
            assert_eq!(
                (&usage["input_tokens"], &usage["output_tokens"]),
                (&9.into(), &2.into()),
                "{target} {encoding}"
            );
        }
    }
}
