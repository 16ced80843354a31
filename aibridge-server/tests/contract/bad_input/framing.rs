//! Request smuggling: ambiguous body lengths, and bytes that are not HTTP.

use super::{assert_untouched, gateway};
use crate::harness::Harness;
use aibridge_testkit::RawClient;

/// Bytes after a request of ambiguous length, which must not be taken for a request.
const SMUGGLED: &str = "GET /openai/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends `head` (of a POST) and `body`. Returns the statuses of all responses until the gateway closes the connection.
async fn statuses(gateway: &Harness, head: &str, body: &str) -> Vec<u16> {
    let mut client = RawClient::connect(gateway.address).await;
    let post =
        format!("POST /openai/v1/responses HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n{body}{SMUGGLED}");
    client.send(post.as_bytes()).await;
    let mut statuses = Vec::new();
    while let Some(head) = client.try_head().await {
        client.read_to_end().await;
        statuses.push(head.status);
    }
    statuses
}

#[tokio::test]
async fn a_body_of_ambiguous_length_is_refused_and_the_connection_closed() {
    let (provider, gateway) = gateway().await;
    for (head, body) in [
        ("Content-Length: 2\r\nContent-Length: 3", "{}"),
        ("Content-Length: 2, 2", "{}"),
        ("Content-Length: +2", "{}"),
        ("Content-Length: -2", "{}"),
        ("Content-Length: 0x2", "{}"),
        ("Content-Length: 2 2", "{}"),
        ("Content-Length:", "{}"),
        ("Content-Length: 99999999999999999999", "{}"),
        ("Content-Length : 2", "{}"),
        ("Transfer-Encoding : chunked", "2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: identity", ""),
        ("Transfer-Encoding: chunked, gzip", "2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding:\u{b}chunked", "2\r\n{}\r\n0\r\n\r\n"),
        ("X-A: 1\r\n folded: 1\r\nContent-Length: 2", "{}"),
        ("X-A: \0\r\nContent-Length: 2", "{}"),
        ("no colon\r\nContent-Length: 2", "{}"),
    ] {
        assert_eq!(statuses(&gateway, head, body).await, [400], "{head:?}");
    }
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}xx0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n",
    ] {
        let statuses = statuses(&gateway, "Transfer-Encoding: chunked", body).await;
        assert!(matches!(statuses[..], [400..=499]), "{body:?}: {statuses:?}");
    }
    assert_untouched(&provider, &gateway);
}

/// The HTTP library reads such a request by its chunks, as RFC 9112 §6.3 allows, and closes the connection, so that
/// later bytes are never taken for a request. The provider gets a single length.
#[tokio::test]
async fn content_length_with_chunks_does_not_smuggle_a_request() {
    let (provider, gateway) = gateway().await;
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    for head in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\nContent-Length: 400",
    ] {
        let before = provider.received().len();
        assert_eq!(statuses(&gateway, head, chunks).await.len(), 1, "{head:?}: the connection is closed");
        for request in &provider.received()[before..] {
            assert_eq!((request.path(), &request.body[..]), ("/v1/responses", &b"{}"[..]), "{head:?}");
            assert_eq!(request.header_values("content-length"), ["2"], "{head:?}");
            assert_eq!(request.header("transfer-encoding"), None, "{head:?}");
        }
    }
}

#[tokio::test]
async fn invalid_http_is_refused_and_the_connection_closed() {
    let (provider, gateway) = gateway().await;
    let many = format!("GET /openai/v1/models HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(1_000));
    let long = format!("GET /openai/v1/models HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    let target = format!("GET /openai/v1/models?{} HTTP/1.1\r\n\r\n", "x".repeat(300_000));
    for (bytes, statuses) in [
        ("garbage\r\n\r\n", 400..=400),
        ("GET /openai/v1/models\r\n\r\n", 400..=400),
        ("GET /openai/v1/models HTTP/2.0\r\n\r\n", 400..=400),
        ("GE T /openai/v1/models HTTP/1.1\r\n\r\n", 400..=400),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n", 400..=400), // the beginning of TLS
        (many.as_str(), 431..=431),
        (&long, 431..=431),
        (&target, 414..=431),
    ] {
        let mut client = RawClient::connect(gateway.address).await;
        client.send(bytes.as_bytes()).await;
        let head = client.head().await;
        assert!(statuses.contains(&head.status), "{bytes:.40}: {head:?}");
        client.wait_closed().await;
    }
    assert_untouched(&provider, &gateway);
}
