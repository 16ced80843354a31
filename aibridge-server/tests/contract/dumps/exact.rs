//! Files, names and contents of what goes well.

use super::{Dumping, as_dumped, kinds};
use crate::encode::gzip;
use crate::ways::{HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY, WAYS, Way};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};
use std::os::unix::fs::PermissionsExt;

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\ncontent-type: application/json\r\n\r\n";
const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// What a dump should have of the good answer to `way`.
fn answer(way: &Way) -> String {
    let is_stream = !way.answer.starts_with('{');
    let head = if is_stream { STREAM } else { JSON };
    head.replace("LENGTH", &way.answer.len().to_string()) + way.answer
}

#[tokio::test]
async fn one_file_has_what_the_provider_received_and_one_what_it_answered() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    for (keys, headers, key, hint) in [
        (&KEYS[..1], &[("X-Team", "a"), ("X-Team", "b")][..], KEYS[0], HINTS[0]),
        (&[][..], &[("Authorization", OWN_BEARER)][..], OWN_KEY, OWN_HINT),
    ] {
        for way in &WAYS {
            let before = provider.received().len();
            let dumping = Dumping::start(&provider.base_url(), keys).await;
            let answered = way.ask(&dumping.gateway, headers).await;
            assert_eq!(answered.status(), 200, "{}", way.name);
            let begin = way.is_recorded.then(|| dumping.begin(&answered));

            let files = dumping.stop().await;
            let received = &provider.received()[before];
            let contents: Vec<_> = files.values().map(String::as_str).collect();
            assert_eq!(contents, [as_dumped(received, key, hint), answer(way)], "{}", way.name);
            assert_eq!(kinds(&files), ["req.txt", "resp.txt"], "{}", way.name);
            match begin {
                Some(begin) => assert!(files.keys().all(|path| path.starts_with(&begin)), "{files:?}"),
                None => assert!(files.keys().all(|path| path.starts_with("openai/passthrough/"))),
            }
        }
    }
}

#[tokio::test]
async fn the_name_is_the_one_that_is_documented() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
    let begin = dumping.begin(&WAYS[0].ask(&dumping.gateway, &[]).await);
    let files = dumping.stop().await;
    assert_eq!(files.keys().collect::<Vec<_>>(), [&format!("{begin}.req.txt"), &format!("{begin}.resp.txt")]);
}

#[tokio::test]
async fn what_is_edited_or_compressed_is_dumped_as_it_was_sent() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let text = r#"{"model":"m","stream":true}"#;
    for (target, encoding, body) in [
        ("/openai/v1/chat/completions", None, text.as_bytes().to_vec()),
        ("/openai/v1/responses", Some(("Content-Encoding", "gzip")), gzip(text.as_bytes())),
        ("/openai/v1/chat/completions", Some(("Content-Encoding", "gzip")), gzip(text.as_bytes())),
    ] {
        let before = provider.received().len();
        let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
        let headers: Vec<_> = encoding.into_iter().collect();
        RawClient::post(dumping.gateway.address, target, &headers, body).await;
        let files = dumping.stop().await;
        let received = &provider.received()[before];
        assert_eq!(files.values().next(), Some(&as_dumped(received, KEYS[0], HINTS[0])), "{encoding:?}");
    }
}

#[tokio::test]
async fn what_is_passed_through_is_dumped_however_its_body_comes() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let chunked = b"POST /openai/v1/conversations?x=1&api_key=0123456789 HTTP/1.1\r\nHost: localhost\r\n\
                    Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    // With one key the body is streamed, with several it is read first.
    for keys in [&KEYS[..1], &KEYS] {
        for bytes in [
            chunked.to_vec(),
            request("POST", "/openai/v1/conversations", &[], b"abcdef"),
            request("POST", "/openai/v1/responses/resp_1/cancel", &[], b""),
            request("GET", "/openai/v1/models", &[], b""),
        ] {
            let before = provider.received().len();
            let dumping = Dumping::start(&provider.base_url(), keys).await;
            let answer = RawClient::connect(dumping.gateway.address).await.ask(&bytes).await;
            assert_eq!(answer.status(), 200);
            let files = dumping.stop().await;
            let expected = as_dumped(&provider.received()[before], KEYS[0], HINTS[0]);
            let expected = expected.replace("0123456789 ", "01...89 ");
            assert_eq!(files.values().next(), Some(&expected));
            assert_eq!(kinds(&files), ["req.txt", "resp.txt"]);
        }
    }
}

#[tokio::test]
async fn nobody_else_may_read_them() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
    for way in &WAYS {
        way.ask(&dumping.gateway, &[]).await;
    }
    let Dumping { gateway, dir } = dumping;
    gateway.stop().await;
    let mut modes = super::paths(dir.path()).into_iter().map(|path| {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        (path.metadata().unwrap().permissions().mode() & 0o777, wanted)
    });
    assert_eq!(modes.clone().count(), 3 + 2 * WAYS.len());
    assert!(modes.all(|(mode, wanted)| mode == wanted));
}
