//! Requests on their way to the provider: streamed, unless a second key may need them.

use super::{CONVERSATIONS, OWN, POOLS, assert_nothing_recorded};
use crate::harness::Harness;
use crate::ways::KEYS;
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request, within};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A provider that sees every byte of a request when it comes.
struct Watching {
    listener: TcpListener,
}

/// What has come on one of its connections.
struct Seen {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Watching {
    async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1/", self.listener.local_addr().unwrap())
    }

    async fn accept(&self) -> Seen {
        let (stream, _) = within(self.listener.accept(), "a connection").await.unwrap();
        Seen { stream, bytes: Vec::new() }
    }
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Waits until `text` has come.
    async fn until(&mut self, text: &str) {
        while !self.text().contains(text) {
            let read = within(self.stream.read_buf(&mut self.bytes), text).await.unwrap();
            assert!(read > 0, "{text:?} never came: {}", self.text());
        }
    }

    /// Waits until the connection is gone.
    async fn until_gone(&mut self) {
        while let Ok(1..) = within(self.stream.read_buf(&mut self.bytes), "the connection to end").await {}
    }
}

/// A request's head, and a body of two pieces: with a length, or chunked.
fn pieces(chunked: bool) -> [Vec<u8>; 3] {
    let framing = if chunked { ("Transfer-Encoding", "chunked") } else { ("Content-Length", "6") };
    let head = request("POST", CONVERSATIONS, &[OWN, framing], b"");
    match chunked {
        true => [head, b"3\r\nabc\r\n".to_vec(), b"3\r\ndef\r\n0\r\n\r\n".to_vec()],
        false => [head, b"abc".to_vec(), b"def".to_vec()],
    }
}

#[tokio::test]
async fn a_body_that_goes_to_one_key_only_is_streamed_with_its_length_if_that_is_known() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = Watching::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, second] = pieces(chunked);
            client.send(&head).await;
            let mut seen = provider.accept().await;
            seen.until("\r\n\r\n").await; // before there is any body
            let framing = if chunked { "transfer-encoding: chunked\r\n" } else { "content-length: 6\r\n" };
            assert!(seen.text().contains(framing), "{}", seen.text());
            assert_eq!(
                seen.text().matches("content-length").count(),
                usize::from(!chunked),
                "{}",
                seen.text()
            );
            client.send(&first).await;
            seen.until("abc").await;
            client.send(&second).await;
            seen.until(if chunked { "0\r\n\r\n" } else { "abcdef" }).await;
            seen.stream.write_all(GOOD).await.unwrap();
            assert_eq!(client.head().await.status, 200);
            assert_eq!(client.rest().await.0, "{}");
            assert_nothing_recorded(&gateway);
        }
    }
}

#[tokio::test]
async fn a_body_that_may_go_to_another_key_is_kept_until_it_is_whole() {
    for chunked in [false, true] {
        let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        let mut client = RawClient::connect(gateway.address).await;
        let [head, first, second] = pieces(chunked);
        client.send(&[head, first].concat()).await;
        // Somebody else is served to the end, and the provider has heard of nobody but them.
        assert_eq!(RawClient::get(gateway.address, "/openai/v1/models").await.status(), 200);
        assert_eq!((provider.received().len(), provider.connections()), (1, 1));
        client.send(&second).await;
        assert_eq!(client.head().await.status, 200);
        let received = provider.received().pop().unwrap();
        assert_eq!(received.body, "abcdef");
        assert_eq!(received.header_values("content-length"), ["6"], "its length is known now");
    }
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let large: Bytes = (0..8_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    for keys in POOLS {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let answer = RawClient::post(gateway.address, CONVERSATIONS, &[OWN], &large).await;
        assert_eq!(answer.status(), 200);
        assert!(provider.received().pop().unwrap().body == large);
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_does_not_look_done() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = Watching::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, _] = pieces(chunked);
            client.send(&[head, first].concat()).await;
            let mut seen = provider.accept().await;
            seen.until("abc").await;
            client.reset();
            seen.until_gone().await;
            assert!(!seen.text().contains("0\r\n\r\n"), "{}", seen.text());
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_is_read_reaches_the_client() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = Watching::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, _] = pieces(chunked);
            client.send(&[head, first].concat()).await;
            let mut seen = provider.accept().await;
            seen.until("\r\n\r\n").await;
            seen.stream
                .write_all(b"HTTP/1.1 413 No\r\nContent-Length: 7\r\nX-Id: 1\r\n\r\ntoo big")
                .await
                .unwrap();
            let answer = client.head().await;
            assert_eq!((answer.status, answer.header("x-id")), (413, Some("1")), "{answer:?}");
            assert_eq!(client.rest().await.0, "too big");
        }
    }
}
