//! A client that leaves frees its upstream at once, whatever it still had in its socket.

use crate::dialects::{CHAT, KEY};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{
    Authority, BodyEnd, Launch, RawClient, Row, Script, ScriptedProvider, Step, Store, request, wait_for,
};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The most that the contract allows between the client's departure and the end of the upstream connection.
const AT_ONCE: Duration = Duration::from_millis(250);

/// How a client leaves.
#[derive(Debug, Clone, Copy)]
enum Departure {
    Close,
    Reset,
    /// As hyper does, the gateway takes a client that will send no more for one that has left.
    HalfClose,
}

/// What a client may have sent behind its request.
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

fn asked(streaming: bool) -> Vec<u8> {
    let headers = [("Content-Type", "application/json")];
    request("POST", CHAT.target, &headers, CHAT.request(streaming).as_bytes())
}

/// A provider that begins a stream and stalls, or stalls at once.
async fn stalling(streaming: bool) -> ScriptedProvider {
    let script = if streaming { Script::sse_head().chunk(CHAT.events[0]) } else { Script::new() };
    ScriptedProvider::start(move |_| script.clone().then(Step::Stall)).await
}

/// Waits for what `client` gets at first of a stream.
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

async fn assert_frees(provider: &ScriptedProvider, left: Instant, about: &str) {
    let closed = provider.closed(0).await;
    let took = closed.at.duration_since(left);
    assert!(closed.by_peer && took < AT_ONCE, "{about}: {closed:?} after {took:?}");
}

#[tokio::test]
async fn bytes_behind_a_request_do_not_hide_that_the_client_left() {
    for (what, leftover) in leftovers() {
        for streaming in [false, true] {
            for departure in [Departure::Close, Departure::Reset, Departure::HalfClose] {
                let about = format!("{what}, {streaming}, {departure:?}");
                let mut provider = stalling(streaming).await;
                let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
                let mut client = TcpStream::connect(gateway.address).await.unwrap();
                client.write_all(&[asked(streaming), leftover.clone()].concat()).await.unwrap();
                provider.next_received().await;
                if streaming {
                    first_event(&mut client).await;
                }
                let left = Instant::now();
                match departure {
                    Departure::Close => {}
                    Departure::Reset => client.set_zero_linger().unwrap(),
                    Departure::HalfClose => client.shutdown().await.unwrap(),
                }
                let kept = matches!(departure, Departure::HalfClose).then_some(client);
                assert_frees(&provider, left, &about).await;
                drop(kept);
                assert_cancelled(&gateway.store, &about).await;
            }
        }
    }
}

#[tokio::test]
async fn bytes_that_come_later_do_not_hide_it_either() {
    for (what, leftover) in leftovers() {
        let mut provider = stalling(true).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = TcpStream::connect(gateway.address).await.unwrap();
        client.write_all(&asked(true)).await.unwrap();
        provider.next_received().await;
        first_event(&mut client).await;
        client.write_all(&leftover).await.unwrap();
        let left = Instant::now();
        drop(client);
        assert_frees(&provider, left, what).await;
        assert_cancelled(&gateway.store, what).await;
    }
}

async fn leave_over_tls(client: &mut (impl AsyncRead + AsyncWrite + Unpin), leftover: &[u8]) {
    client.write_all(&[asked(true), leftover.to_vec()].concat()).await.unwrap();
    client.flush().await.unwrap();
    first_event(client).await;
}

#[tokio::test]
async fn the_same_holds_with_tls() {
    for (what, leftover) in leftovers() {
        let provider = stalling(true).await;
        let authority = Authority::new();
        let tls = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
        let settings = tls.to_owned() + &provider_settings(&provider.base_url(), &[KEY]);
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
        authority.issue().put(launch.dir());
        let gateway = launch.start().await;
        let mut client = authority.connect(gateway.address(), &["http/1.1"]).await.unwrap();
        leave_over_tls(&mut client, &leftover).await;
        let left = Instant::now();
        drop(client);
        assert_frees(&provider, left, what).await;
        assert_cancelled(&gateway.store(), what).await;
    }
}

#[tokio::test]
async fn pipelined_requests_of_a_client_that_stays_are_answered_in_order() {
    let provider = ScriptedProvider::start(|request| match request.method.as_str() {
        "GET" => Script::json(200, r#"{"object":"list"}"#),
        _ => Script::sse(CHAT.answer(true)),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    let models = request("GET", "/openai/v1/models", &[], b"");
    client.send(&[asked(true), b"\r\n".to_vec(), models.clone(), asked(true), models].concat()).await;
    for _ in 0..2 {
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.rest().await, (CHAT.answer(true).into(), BodyEnd::Clean));
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.rest().await.0, r#"{"object":"list"}"#);
    }
    assert_eq!(provider.received().len(), 4);
}
