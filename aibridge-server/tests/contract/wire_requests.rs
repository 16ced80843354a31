//! HTTP requests as real clients send them: each row of the table in the contract.

use crate::dialects::{CHAT, KEY};
use crate::endpoints::{KEYS, OWN_BEARER};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, RawClient, Response, Script, ScriptedProvider, Step, request};

const CONVERSATIONS: &str = "/openai/v1/conversations";
const OWN: (&str, &str) = ("Authorization", OWN_BEARER);

async fn gateway() -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|_| Script::json(200, CHAT.whole)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    (provider, gateway)
}

/// Sends `bytes` on a new connection and reads the response.
async fn call(gateway: &Harness, bytes: &[u8]) -> Response {
    RawClient::connect(gateway.address).await.call(bytes).await
}

fn post(head: &str, body: &str) -> Vec<u8> {
    format!("POST {} HTTP/1.1\r\n{head}\r\n{body}", CHAT.target).into_bytes()
}

fn assert_refused(response: &Response, status: u16, code: &str, about: &str) {
    assert_eq!((response.status(), response.header("x-aibridge-error")), (status, Some(code)), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    let error = &response.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&"invalid_request_error".into(), &code.into()), "{about}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{about}");
}

#[tokio::test]
async fn unusual_valid_requests_are_served() {
    let (provider, gateway) = gateway().await;
    let body = CHAT.blocking;
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = format!("{:x};x=\"y\"\r\n{body}\r\n0\r\nX-Trailer: 1\r\n\r\n", body.len());
    for (about, bytes) in [
        ("Expect", post(&format!("Host: localhost\r\n{length}Expect: 100-continue\r\n"), body)),
        ("chunked", post("Host: localhost\r\nTransfer-Encoding: chunked\r\n", &chunked)),
        ("chunked in capitals", post("Host: localhost\r\nTransfer-Encoding:  Chunked \r\n", &chunked)),
        (
            "Upgrade: h2c",
            post(
                &format!(
                    "Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n{length}"
                ),
                body,
            ),
        ),
        (
            "an empty line first",
            [b"\r\n".to_vec(), post(&format!("Host: localhost\r\n{length}"), body)].concat(),
        ),
        ("HTTP/1.0", format!("POST {} HTTP/1.0\r\n{length}\r\n{body}", CHAT.target).into_bytes()),
        (
            "HTTP/1.0 and Host",
            format!("POST {} HTTP/1.0\r\nHost: localhost\r\n{length}\r\n{body}", CHAT.target).into_bytes(),
        ),
    ] {
        let response = call(&gateway, &bytes).await;
        assert_eq!((response.status(), response.text()), (200, CHAT.whole), "{about}");
        let received = provider.received().pop().unwrap();
        assert_eq!(received.body, body, "{about}");
        for name in ["expect", "transfer-encoding", "upgrade", "http2-settings"] {
            assert_eq!(received.header(name), None, "{about}: {name}");
        }
    }
}

#[tokio::test]
async fn the_connection_is_usable_after_a_trailing_crlf() {
    let (provider, gateway) = gateway().await;
    let mut client = RawClient::connect(gateway.address).await;
    let sent = [request("POST", CHAT.target, &[], CHAT.blocking.as_bytes()), b"\r\n".to_vec()].concat();
    for _ in 0..3 {
        assert_eq!(client.call(&sent).await.status(), 200);
    }
    assert_eq!(provider.received().len(), 3);
}

#[tokio::test]
async fn a_request_without_one_valid_host_is_refused() {
    let (provider, gateway) = gateway().await;
    let length = format!("Content-Length: {}\r\n", CHAT.blocking.len());
    for (about, hosts) in [
        ("none", ""),
        ("two", "Host: x\r\nHost: y\r\n"),
        ("twice the same", "Host: x\r\nHost: x\r\n"),
        ("two in one", "Host: x, y\r\n"),
        ("user information", "Host: a@x\r\n"),
        ("a path", "Host: x/y\r\n"),
    ] {
        let response = call(&gateway, &post(&format!("{hosts}{length}"), CHAT.blocking)).await;
        assert_refused(&response, 400, "invalid_header", about);
        assert_eq!(response.header("connection"), Some("close"), "{about}");
    }
    let http_10 =
        format!("POST {} HTTP/1.0\r\nHost: x\r\nHost: y\r\n{length}\r\n{}", CHAT.target, CHAT.blocking);
    assert_refused(&call(&gateway, http_10.as_bytes()).await, 400, "invalid_header", "HTTP/1.0");
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn transfer_codings_other_than_chunked_are_not_implemented() {
    let (provider, gateway) = gateway().await;
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    for codings in [
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
    ] {
        let response = call(&gateway, &post(&format!("Host: localhost\r\n{codings}"), chunks)).await;
        assert_refused(&response, 501, "unsupported_encoding", codings);
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn a_malformed_chunk_is_a_client_error_on_every_route() {
    for keys in [&KEYS[..0], &KEYS[..1], &KEYS[..2]] {
        let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for target in [CHAT.target, "/openai/v1/responses", CONVERSATIONS] {
            for chunks in [
                "zz\r\n{}\r\n0\r\n\r\n",
                "2\r\n{}\r\nzz\r\n",
                "2\r\n{}xx0\r\n\r\n",
                "fffffffffffffffff\r\n{}",
            ] {
                let head = request("POST", target, &[OWN, ("Transfer-Encoding", "chunked")], b"");
                let mut client = RawClient::connect(gateway.address).await;
                let response = client.call(&[head, chunks.as_bytes().to_vec()].concat()).await;
                let about = format!("{} keys, {target}, {chunks:?}", keys.len());
                assert_refused(&response, 400, "request_incomplete", &about);
                client.wait_closed().await;
            }
        }
        assert!(provider.received().is_empty());
        assert!(gateway.store.rows("aibridge_interceptions").is_empty());
    }
}

#[tokio::test]
async fn a_body_of_length_0_is_forwarded_with_content_length() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    for keys in [&KEYS[..0], &KEYS[..1], &KEYS[..2]] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let empty = request("POST", "/openai/v1/responses/r1/cancel", &[OWN, ("Content-Length", "0")], b"");
        assert_eq!(call(&gateway, &empty).await.status(), 200);
        let received = provider.received().pop().unwrap();
        assert_eq!(received.header_values("content-length"), ["0"]);
        assert_eq!(received.header("transfer-encoding"), None);
        call(&gateway, &request("GET", "/openai/v1/models", &[OWN], b"")).await;
        assert_eq!(provider.received().pop().unwrap().header("content-length"), None);
    }
}

/// HTTP/1.0 has no chunks, so that only a reset distinguishes a truncated response from a complete one. A bridged
/// stream has an error event as well.
#[tokio::test]
async fn a_truncated_response_is_reset_for_http_1_0() {
    let stream = || Script::sse_head().chunk(CHAT.events[0]);
    let download = || Script::head(200, Framing::Chunked).chunk(CHAT.events[0]);
    let (chat, models) = (("POST", CHAT.target, CHAT.stream), ("GET", "/openai/v1/models", ""));
    for (sent, script, has_error, end) in [
        (chat, stream().then(Step::Close), true, BodyEnd::Clean),
        (chat, stream().then(Step::Reset), true, BodyEnd::Clean),
        (models, download().then(Step::Close), false, BodyEnd::Truncated),
        (models, download().then(Step::Reset), false, BodyEnd::Truncated),
        (chat, Script::sse(CHAT.response(true)), false, BodyEnd::Clean),
        (models, download().then(Step::End), false, BodyEnd::Clean),
    ] {
        let about = format!("{sent:?} {script:?}");
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = RawClient::connect(gateway.address).await;
        let (method, target, body) = sent;
        let head = format!("{method} {target} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
        client.send(&[head.as_bytes(), body.as_bytes()].concat()).await;
        let head = client.head().await;
        assert_eq!((head.status, head.header("transfer-encoding")), (200, None), "{about}");
        let (received, ended) = client.read_to_end().await;
        let received = String::from_utf8_lossy(&received).into_owned();
        assert!(received.starts_with(CHAT.events[0]), "{about}: {received}");
        assert_eq!(
            (received.contains("upstream_unreachable"), ended),
            (has_error, end),
            "{about}: {received}"
        );
    }
}

#[tokio::test]
async fn path_and_query_reach_the_provider_byte_for_byte() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for target in [
        "/models?filter='a'&json={b:[1]}",
        "/models/{id}'s\"x\"|y^z",
        "/models/a?",
        "/models/a?b=%7b%22",
        "/responses/r1?include[]=x|y&q=\u{fc}",
    ] {
        let response = call(&gateway, &request("GET", &format!("/openai/v1{target}"), &[], b"")).await;
        assert_eq!(response.status(), 200, "{target}: {}", response.text());
        assert_eq!(provider.received().pop().unwrap().target, format!("/v1{target}"));
    }
}
