//! The scripted provider and the raw client, tested against each other.

use aibridge_testkit_wire::{
    BodyEnd, Framing, Gate, RawClient, Script, ScriptedProvider, Step, request, wait_until,
};
use bytes::Bytes;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn requests_are_received_as_sent() {
    let mut provider = ScriptedProvider::start(|request| Script::json(200, request.number.to_string())).await;
    let mut client = RawClient::connect(provider.address()).await;
    let sent = request("POST", "/v1/x?a=%2F", &[("X-oDD", "1"), ("x-odd", "2")], b"{\"a\": 1}");
    let first = client.call(&sent).await;
    let chunked = b"POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\nb\":\r\n3\r\n 1}\r\n0\r\n\r\n";
    let second = client.call(chunked).await;

    assert_eq!((first.text(), second.text()), ("0", "1"));
    assert_eq!(provider.connections(), 1, "the connection is kept");
    let received = provider.next_received().await;
    assert_eq!(received.raw_head, sent[..sent.len() - 8]);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/v1/x?a=%2F"));
    assert_eq!(received.headers[1], ("X-oDD".to_owned(), "1".to_owned()));
    assert_eq!(received.header_values("x-ODD"), ["1", "2"]);
    assert_eq!(received.body, "{\"a\": 1}");
    assert_eq!(provider.next_received().await.body, "{\"b\": 1}");
}

#[tokio::test]
async fn expect_100_continue_is_acknowledged() {
    let mut provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    client.send(b"{}").await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(provider.next_received().await.body, "{}");
}

#[tokio::test]
async fn each_event_is_a_chunk() {
    let provider = ScriptedProvider::start(|_| Script::sse("data: 1\n\ndata: [DONE]\n\n")).await;
    let response = RawClient::get(provider.address(), "/").await;
    assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!((response.text(), response.end), ("data: 1\n\ndata: [DONE]\n\n", BodyEnd::Clean));
}

#[tokio::test]
async fn scripted_truncations_reach_the_client() {
    let head = |framing| Script::head(200, framing);
    let cases = [
        (head(Framing::ContentLength(9)).chunk("lie").then(Step::Close), "lie", BodyEnd::Truncated),
        (head(Framing::Chunked).chunk("half").then(Step::Close), "half", BodyEnd::Truncated),
        (
            head(Framing::Chunked).chunk("half").then(Step::Bytes("5\r\nto".into())).then(Step::Close),
            "halfto",
            BodyEnd::Truncated,
        ),
        (
            head(Framing::Chunked).then(Step::OneByteAtATime("slow".into())).then(Step::End),
            "slow",
            BodyEnd::Clean,
        ),
        (head(Framing::CloseDelimited).chunk("all").then(Step::End), "all", BodyEnd::Clean),
        (Script::new().then(Step::Bytes(Bytes::from_static(b"HTTP/1.1 204 No\r\n\r\n"))), "", BodyEnd::Clean),
    ];
    for (script, body, end) in cases {
        let described = format!("{script:?}");
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let response = RawClient::get(provider.address(), "/").await;
        assert_eq!((response.text(), response.end), (body, end), "{described}");
    }
}

#[tokio::test]
async fn a_reset_before_a_response_is_sent() {
    let provider = ScriptedProvider::start(|_| Script::new().then(Step::Reset)).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(&request("GET", "/", &[], b"")).await;
    assert!(client.try_head().await.is_none());
    let closed = provider.wait_closed(0).await;
    assert!(!closed.by_peer, "{closed:?}");
}

#[tokio::test]
async fn a_reset_is_an_error_and_not_an_end() {
    let provider = ScriptedProvider::start(|_| {
        Script::head(200, Framing::CloseDelimited).chunk("abc").then(Step::Reset)
    })
    .await;
    let mut client = TcpStream::connect(provider.address()).await.expect("a connection");
    client.write_all(&request("GET", "/", &[], b"")).await.expect("a request");
    let error = client.read_to_end(&mut Vec::new()).await.expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let client = RawClient::connect(listener.local_addr().expect("a bound address")).await;
    let (mut server, _) = listener.accept().await.expect("a connection");
    client.reset();
    let error = server.read_to_end(&mut Vec::new()).await.expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_gate_holds_a_response_and_a_disconnect_is_logged() {
    let gate = Gate::new();
    let script = Script::sse_head().chunk("data: 1\n\n").then(Step::Await(gate.clone())).chunk("data: 2\n\n");
    let script = script.then(Step::Stall);
    let mut provider = ScriptedProvider::start(move |_| script.clone()).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(&request("GET", "/", &[], b"")).await;
    client.head().await;
    assert_eq!(client.read_until("1").await, "data: 1\n\n");
    gate.wait_reached(1).await;
    gate.open();
    assert_eq!(client.read_until("2").await, "data: 2\n\n");

    let number = provider.next_received().await.number;
    drop(client);
    let closed = provider.wait_closed(number).await;
    assert!(closed.by_peer && closed.mid_response, "{closed:?}");
}

#[tokio::test]
async fn nothing_listens_at_the_unreachable_url() {
    let url = ScriptedProvider::unreachable_base_url().await;
    let address = url.trim_start_matches("http://").trim_end_matches("/v1/");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_a_provider_frees_its_port() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let address = provider.address();
    drop(provider);
    let refused = || std::net::TcpStream::connect(address).is_err();
    wait_until(refused, "the port to be free").await;
}

#[tokio::test]
async fn large_bodies_pass_in_both_directions() {
    let big: String = "0123456789abcdef".repeat(1 << 19);
    let response = big.clone();
    let mut provider = ScriptedProvider::start(move |_| Script::sse(response.clone())).await;
    let response = RawClient::post(provider.address(), "/", &[], &big).await;
    assert!(response.body == big && response.end == BodyEnd::Clean);
    assert!(provider.next_received().await.body == big);
}
