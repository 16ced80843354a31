//! A disconnect cancels the upstream request at once, also with unread bytes on the connection.

use crate::dialects::{CHAT, KEY};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{
    Authority, BodyEnd, Launch, RawClient, Row, Script, ScriptedProvider, Step, Store, request, wait_for,
};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The maximum time between a disconnect and the end of the upstream connection, from the contract.
const CANCEL_DEADLINE: Duration = Duration::from_millis(250);

/// The ways in which a client disconnects.
#[derive(Debug, Clone, Copy)]
enum Departure {
    Close,
    Reset,
    /// Like hyper, the gateway treats a client that closes its sending half as disconnected.
    HalfClose,
}

/// Bytes that a client may have sent after its request.
fn leftovers() -> [(&'static str, Vec<u8>); 5] {
    let pipelined = request("GET", "/openai/v1/models", &[], b"");
    let large = vec![b' '; 300_000];
    [
        ("nothing", Vec::new()),
        ("a stray CRLF", b"\r\n".to_vec()),
        ("half a request", b"GET /openai/v1/mo".to_vec()),
        ("a pipelined request", pipelined),
        ("a large pipelined request", request("POST", CHAT.target, &[], &large)),
    ]
}

fn chat_request(streaming: bool) -> Vec<u8> {
    let headers = [("Content-Type", "application/json")];
    request("POST", CHAT.target, &headers, CHAT.request(streaming).as_bytes())
}

/// A provider that stalls after the first event of a stream, or at once.
async fn stalling_provider(streaming: bool) -> ScriptedProvider {
    let script = if streaming { Script::sse_head().chunk(CHAT.events[0]) } else { Script::new() };
    ScriptedProvider::start(move |_| script.clone().then(Step::Stall)).await
}

/// Waits until `client` has received the first event.
async fn first_event(client: &mut (impl AsyncRead + Unpin)) {
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(CHAT.events[0]) {
        assert_ne!(client.read_buf(&mut received).await.unwrap(), 0);
    }
}

async fn assert_cancelled(store: &Store, about: &str) {
    let ended = || -> Option<Row> {
        store.rows("aibridge_interceptions").into_iter().find(|row| row["ended_at"].is_string())
    };
    let row = wait_for(ended, "the interception to end").await;
    assert_eq!((&row["outcome"], &row["error_type"]), (&"cancelled".into(), &().into()), "{about}");
}

async fn assert_frees(provider: &ScriptedProvider, left_at: Instant, about: &str) {
    let closed = provider.wait_closed(0).await;
    let took = closed.at.duration_since(left_at);
    assert!(closed.by_peer && took < CANCEL_DEADLINE, "{about}: {closed:?} after {took:?}");
}

#[tokio::test]
async fn bytes_after_a_request_do_not_hide_a_disconnect() {
    for (leftover_name, leftover) in leftovers() {
        for streaming in [false, true] {
            for departure in [Departure::Close, Departure::Reset, Departure::HalfClose] {
                let about = format!("{leftover_name}, {streaming}, {departure:?}");
                let mut provider = stalling_provider(streaming).await;
                let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
                let mut client = TcpStream::connect(gateway.address).await.unwrap();
                client.write_all(&[chat_request(streaming), leftover.clone()].concat()).await.unwrap();
                provider.next_received().await;
                if streaming {
                    first_event(&mut client).await;
                }
                let left_at = Instant::now();
                match departure {
                    Departure::Close => {}
                    Departure::Reset => client.set_zero_linger().unwrap(),
                    Departure::HalfClose => client.shutdown().await.unwrap(),
                }
                let half_closed = matches!(departure, Departure::HalfClose).then_some(client);
                assert_frees(&provider, left_at, &about).await;
                drop(half_closed);
                assert_cancelled(&gateway.store, &about).await;
            }
        }
    }
}

#[tokio::test]
async fn later_bytes_do_not_hide_a_disconnect() {
    for (leftover_name, leftover) in leftovers() {
        let mut provider = stalling_provider(true).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = TcpStream::connect(gateway.address).await.unwrap();
        client.write_all(&chat_request(true)).await.unwrap();
        provider.next_received().await;
        first_event(&mut client).await;
        client.write_all(&leftover).await.unwrap();
        let left_at = Instant::now();
        drop(client);
        assert_frees(&provider, left_at, leftover_name).await;
        assert_cancelled(&gateway.store, leftover_name).await;
    }
}

async fn begin_stream_over_tls(client: &mut (impl AsyncRead + AsyncWrite + Unpin), leftover: &[u8]) {
    client.write_all(&[chat_request(true), leftover.to_vec()].concat()).await.unwrap();
    client.flush().await.unwrap();
    first_event(client).await;
}

#[tokio::test]
async fn bytes_after_a_request_do_not_hide_a_disconnect_over_tls() {
    for (leftover_name, leftover) in leftovers() {
        let provider = stalling_provider(true).await;
        let authority = Authority::new();
        let tls = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
        let settings = tls.to_owned() + &provider_settings(&provider.base_url(), &[KEY]);
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
        authority.issue().write_to(launch.dir());
        let gateway = launch.start().await;
        let mut client = authority.connect(gateway.address(), &["http/1.1"]).await.unwrap();
        begin_stream_over_tls(&mut client, &leftover).await;
        let left_at = Instant::now();
        drop(client);
        assert_frees(&provider, left_at, leftover_name).await;
        assert_cancelled(&gateway.store(), leftover_name).await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_served_in_order() {
    let provider = ScriptedProvider::start(|request| match request.method.as_str() {
        "GET" => Script::json(200, r#"{"object":"list"}"#),
        _ => Script::sse(CHAT.response(true)),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    let models = request("GET", "/openai/v1/models", &[], b"");
    client
        .send(&[chat_request(true), b"\r\n".to_vec(), models.clone(), chat_request(true), models].concat())
        .await;
    for _ in 0..2 {
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.read_to_end().await, (CHAT.response(true).into(), BodyEnd::Clean));
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.read_to_end().await.0, r#"{"object":"list"}"#);
    }
    assert_eq!(provider.received().len(), 4);
}
