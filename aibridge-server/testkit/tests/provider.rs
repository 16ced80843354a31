//! The scripted provider and the raw client, each shown by the other.

use aibridge_testkit::{
    BodyEnd, Framing, Gate, RawClient, Script, ScriptedProvider, Step, request, wait_until,
};
use bytes::Bytes;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn sees_requests_as_they_were_sent() {
    let mut provider = ScriptedProvider::start(|request| Script::json(200, request.number.to_string())).await;
    let mut client = RawClient::connect(provider.address()).await;
    let sent = request("POST", "/v1/x?a=%2F", &[("X-oDD", "1"), ("x-odd", "2")], b"{\"a\": 1}");
    let first = client.ask(&sent).await;
    let chunked = b"POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\nb\":\r\n3\r\n 1}\r\n0\r\n\r\n";
    let second = client.ask(chunked).await;

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
async fn asks_for_a_body_that_waits_to_be_asked_for() {
    let mut provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    client.send(b"{}").await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(provider.next_received().await.body, "{}");
}

#[tokio::test]
async fn sends_each_event_as_a_chunk() {
    let provider = ScriptedProvider::start(|_| Script::sse("data: 1\n\ndata: [DONE]\n\n")).await;
    let answer = RawClient::get(provider.address(), "/").await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!((answer.text(), answer.end), ("data: 1\n\ndata: [DONE]\n\n", BodyEnd::Clean));
}

#[tokio::test]
async fn misbehaves_as_told() {
    let head = |framing| Script::head(200, framing);
    let cases = [
        (head(Framing::ContentLength(9)).chunk("lie").then(Step::Close), "lie", BodyEnd::Cut),
        (head(Framing::Chunked).chunk("half").then(Step::Close), "half", BodyEnd::Cut),
        (
            head(Framing::Chunked).chunk("half").then(Step::Bytes("5\r\nto".into())).then(Step::Close),
            "halfto",
            BodyEnd::Cut,
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
        let answer = RawClient::get(provider.address(), "/").await;
        assert_eq!((answer.text(), answer.end), (body, end), "{described}");
    }
}

#[tokio::test]
async fn resets_before_an_answer() {
    let provider = ScriptedProvider::start(|_| Script::new().then(Step::Reset)).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(&request("GET", "/", &[], b"")).await;
    assert!(client.try_head().await.is_none());
    let closed = provider.closed(0).await;
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
async fn holds_an_answer_at_a_gate_and_sees_the_client_leave() {
    let gate = Gate::new();
    let script = Script::sse_head().chunk("data: 1\n\n").then(Step::Await(gate.clone())).chunk("data: 2\n\n");
    let script = script.then(Step::Stall);
    let mut provider = ScriptedProvider::start(move |_| script.clone()).await;
    let mut client = RawClient::connect(provider.address()).await;
    client.send(&request("GET", "/", &[], b"")).await;
    client.head().await;
    assert_eq!(client.until("1").await, "data: 1\n\n");
    gate.reached(1).await;
    gate.open();
    assert_eq!(client.until("2").await, "data: 2\n\n");

    let number = provider.next_received().await.number;
    drop(client);
    let closed = provider.closed(number).await;
    assert!(closed.by_peer && closed.mid_answer, "{closed:?}");
}

#[tokio::test]
async fn nobody_listens_at_the_unreachable_url() {
    let url = ScriptedProvider::unreachable_base_url().await;
    let address = url.trim_start_matches("http://").trim_end_matches("/v1/");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn frees_its_port_when_dropped() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let address = provider.address();
    drop(provider);
    let refused = || std::net::TcpStream::connect(address).is_err();
    wait_until(refused, "the port to be free").await;
}

#[tokio::test]
async fn carries_megabytes_both_ways() {
    let big: String = "0123456789abcdef".repeat(1 << 19);
    let answer = big.clone();
    let mut provider = ScriptedProvider::start(move |_| Script::sse(answer.clone())).await;
    let answer = RawClient::post(provider.address(), "/", &[], &big).await;
    assert!(answer.body == big && answer.end == BodyEnd::Clean);
    assert!(provider.next_received().await.body == big);
}
