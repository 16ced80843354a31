//! Passthrough requests: streamed, unless a second key may need the body.

use super::{CONVERSATIONS, OWN, POOLS, assert_nothing_recorded};
use crate::endpoints::KEYS;
use crate::harness::Harness;
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request, within};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A provider that reads every byte of a request when it arrives.
struct ByteProvider {
    listener: TcpListener,
}

/// One connection of a [`ByteProvider`], and the bytes received on it.
struct ByteConnection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl ByteProvider {
    async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1/", self.listener.local_addr().unwrap())
    }

    async fn accept(&self) -> ByteConnection {
        let (stream, _) = within(self.listener.accept(), "a connection").await.unwrap();
        ByteConnection { stream, bytes: Vec::new() }
    }
}

impl ByteConnection {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Waits until `text` has arrived.
    async fn wait_for(&mut self, text: &str) {
        while !self.text().contains(text) {
            let read = within(self.stream.read_buf(&mut self.bytes), text).await.unwrap();
            assert!(read > 0, "{text:?} never came: {}", self.text());
        }
    }

    /// Waits until the connection is closed.
    async fn wait_until_closed(&mut self) {
        while let Ok(1..) = within(self.stream.read_buf(&mut self.bytes), "the connection to end").await {}
    }
}

/// The head of a request, and a body of two pieces: with a length, or chunked.
fn pieces(chunked: bool) -> [Vec<u8>; 3] {
    let framing = if chunked { ("Transfer-Encoding", "chunked") } else { ("Content-Length", "6") };
    let head = request("POST", CONVERSATIONS, &[OWN, framing], b"");
    match chunked {
        true => [head, b"3\r\nabc\r\n".to_vec(), b"3\r\ndef\r\n0\r\n\r\n".to_vec()],
        false => [head, b"abc".to_vec(), b"def".to_vec()],
    }
}

#[tokio::test]
async fn a_body_for_a_single_key_is_streamed_with_its_length_if_known() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = ByteProvider::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, second] = pieces(chunked);
            client.send(&head).await;
            let mut connection = provider.accept().await;
            connection.wait_for("\r\n\r\n").await; // before any byte of the body
            let framing = if chunked { "transfer-encoding: chunked\r\n" } else { "content-length: 6\r\n" };
            assert!(connection.text().contains(framing), "{}", connection.text());
            assert_eq!(
                connection.text().matches("content-length").count(),
                usize::from(!chunked),
                "{}",
                connection.text()
            );
            client.send(&first).await;
            connection.wait_for("abc").await;
            client.send(&second).await;
            connection.wait_for(if chunked { "0\r\n\r\n" } else { "abcdef" }).await;
            connection.stream.write_all(GOOD).await.unwrap();
            assert_eq!(client.head().await.status, 200);
            assert_eq!(client.read_to_end().await.0, "{}");
            assert_nothing_recorded(&gateway);
        }
    }
}

#[tokio::test]
async fn a_body_for_several_keys_is_buffered() {
    for chunked in [false, true] {
        let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        let mut client = RawClient::connect(gateway.address).await;
        let [head, first, second] = pieces(chunked);
        client.send(&[head, first].concat()).await;
        // Another request is served completely, and is the only one that reached the provider.
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
async fn a_large_body_arrives_complete() {
    let large: Bytes = (0..8_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    for keys in POOLS {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let response = RawClient::post(gateway.address, CONVERSATIONS, &[OWN], &large).await;
        assert_eq!(response.status(), 200);
        assert!(provider.received().pop().unwrap().body == large);
    }
}

#[tokio::test]
async fn a_truncated_upload_is_not_completed() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = ByteProvider::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, _] = pieces(chunked);
            client.send(&[head, first].concat()).await;
            let mut connection = provider.accept().await;
            connection.wait_for("abc").await;
            client.reset();
            connection.wait_until_closed().await;
            assert!(!connection.text().contains("0\r\n\r\n"), "{}", connection.text());
        }
    }
}

#[tokio::test]
async fn a_response_before_the_end_of_the_body_is_relayed() {
    for keys in [&KEYS[..0], &KEYS[..1]] {
        for chunked in [false, true] {
            let provider = ByteProvider::start().await;
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            let [head, first, _] = pieces(chunked);
            client.send(&[head, first].concat()).await;
            let mut connection = provider.accept().await;
            connection.wait_for("\r\n\r\n").await;
            connection
                .stream
                .write_all(b"HTTP/1.1 413 No\r\nContent-Length: 7\r\nX-Id: 1\r\n\r\ntoo big")
                .await
                .unwrap();
            let response = client.head().await;
            assert_eq!((response.status, response.header("x-id")), (413, Some("1")), "{response:?}");
            assert_eq!(client.read_to_end().await.0, "too big");
        }
    }
}
