//! The names and contents of dump files of successful requests.

use super::{Dumping, kinds, request_dump};
use crate::encode::gzip;
use crate::endpoints::{ENDPOINTS, Endpoint, HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};
use std::os::unix::fs::PermissionsExt;

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-length: LENGTH\r\ncontent-type: application/json\r\n\r\n";
const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// The expected dump of the good response of `endpoint`.
fn response(endpoint: &Endpoint) -> String {
    let is_stream = !endpoint.response.starts_with('{');
    let head = if is_stream { STREAM } else { JSON };
    head.replace("LENGTH", &endpoint.response.len().to_string()) + endpoint.response
}

#[tokio::test]
async fn a_dump_has_one_request_file_and_one_response_file() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    for (keys, headers, key, hint) in [
        (&KEYS[..1], &[("X-Team", "a"), ("X-Team", "b")][..], KEYS[0], HINTS[0]),
        (&[][..], &[("Authorization", OWN_BEARER)][..], OWN_KEY, OWN_HINT),
    ] {
        for endpoint in &ENDPOINTS {
            let before = provider.received().len();
            let dumping = Dumping::start(&provider.base_url(), keys).await;
            let actual = endpoint.call(&dumping.gateway, headers).await;
            assert_eq!(actual.status(), 200, "{}", endpoint.name);
            let begin = endpoint.is_recorded.then(|| dumping.begin(&actual));

            let files = dumping.stop().await;
            let received = &provider.received()[before];
            let contents: Vec<_> = files.values().map(String::as_str).collect();
            assert_eq!(
                contents,
                [request_dump(received, key, hint), response(endpoint)],
                "{}",
                endpoint.name
            );
            assert_eq!(kinds(&files), ["req.txt", "resp.txt"], "{}", endpoint.name);
            match begin {
                Some(begin) => assert!(files.keys().all(|path| path.starts_with(&begin)), "{files:?}"),
                None => assert!(files.keys().all(|path| path.starts_with("openai/passthrough/"))),
            }
        }
    }
}

#[tokio::test]
async fn file_names_match_the_documentation() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
    let begin = dumping.begin(&ENDPOINTS[0].call(&dumping.gateway, &[]).await);
    let files = dumping.stop().await;
    assert_eq!(files.keys().collect::<Vec<_>>(), [&format!("{begin}.req.txt"), &format!("{begin}.resp.txt")]);
}

#[tokio::test]
async fn edited_and_compressed_bodies_are_dumped_as_sent() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
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
        assert_eq!(files.values().next(), Some(&request_dump(received, KEYS[0], HINTS[0])), "{encoding:?}");
    }
}

#[tokio::test]
async fn passthrough_requests_are_dumped_for_every_framing() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let chunked = b"POST /openai/v1/conversations?x=1&api_key=0123456789 HTTP/1.1\r\nHost: localhost\r\n\
                    Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    // With one key the body is streamed; with several it is buffered.
    for keys in [&KEYS[..1], &KEYS] {
        for bytes in [
            chunked.to_vec(),
            request("POST", "/openai/v1/conversations", &[], b"abcdef"),
            request("POST", "/openai/v1/responses/resp_1/cancel", &[], b""),
            request("GET", "/openai/v1/models", &[], b""),
        ] {
            let before = provider.received().len();
            let dumping = Dumping::start(&provider.base_url(), keys).await;
            let response = RawClient::connect(dumping.gateway.address).await.call(&bytes).await;
            assert_eq!(response.status(), 200);
            let files = dumping.stop().await;
            let expected = request_dump(&provider.received()[before], KEYS[0], HINTS[0]);
            let expected = expected.replace("0123456789 ", "01...89 ");
            assert_eq!(files.values().next(), Some(&expected));
            assert_eq!(kinds(&files), ["req.txt", "resp.txt"]);
        }
    }
}

#[tokio::test]
async fn dumps_are_readable_only_by_their_owner() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
    for endpoint in &ENDPOINTS {
        endpoint.call(&dumping.gateway, &[]).await;
    }
    let Dumping { gateway, dir } = dumping;
    gateway.stop().await;
    let mut modes = super::paths(dir.path()).into_iter().map(|path| {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        (path.metadata().unwrap().permissions().mode() & 0o777, wanted)
    });
    assert_eq!(modes.clone().count(), 3 + 2 * ENDPOINTS.len());
    assert!(modes.all(|(mode, wanted)| mode == wanted));
}
