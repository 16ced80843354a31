//! Shutdown with HTTP/2: GOAWAY, the grace period and incomplete handshakes.

use super::{TLS, call, launch};
use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Authority, Gate, Gateway, H2Client, H2End, Script, ScriptedProvider};
use h2::Reason;

const PASSED_THROUGH: &str = "/openai/v1/responses/r1";

/// A provider that begins every response and continues when the gate opens.
async fn gated_provider(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| {
        if request.method == "GET" {
            return Script::held_stream("begun ", &gate, "ended");
        }
        CHAT.held_stream(&gate)
    })
    .await
}

async fn start(authority: &Authority, grace: &str, provider: &ScriptedProvider) -> Gateway {
    let server = format!("[server]\nshutdown_grace = \"{grace}\"\n");
    launch(authority, &(server + &provider_settings(&provider.base_url(), &[KEY]))).start().await
}

#[tokio::test]
async fn streams_in_flight_finish_after_a_goaway() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let authority = Authority::new();
    let gateway = start(&authority, "24h", &provider).await;
    let mut client = H2Client::connect(gateway.address(), &authority).await;
    let unused = H2Client::connect(gateway.address(), &authority).await;
    let mut streams =
        [call(&mut client, &CHAT, true).await, client.send("GET", PASSED_THROUGH, &[], "").await];
    for (stream, begun) in streams.iter_mut().zip([CHAT.events[0], "begun "]) {
        stream.head().await;
        stream.read_until(begun).await;
    }
    gateway.terminate();
    client.wait_for_goaway().await;

    for mut client in [H2Client::connect(gateway.address(), &authority).await, unused] {
        let (head, body, end) = call_whole(&mut client).await;
        assert_eq!(
            (head.status().as_u16(), end),
            (503, H2End::Clean),
            "the first request is refused in words"
        );
        assert_eq!(head.headers()["x-aibridge-error"], "shutting_down");
        assert_eq!(head.headers().get("connection"), None);
        assert!(body.starts_with(b"{\"error\":{"));
        client.wait_for_goaway().await;
        client.wait_closed().await;
    }
    gate.open();
    let [mut chat, mut passed] = streams;
    assert_eq!(chat.read_to_end().await, (CHAT.events[1..].concat().into(), H2End::Clean));
    assert_eq!(passed.read_to_end().await, ("ended".into(), H2End::Clean));
    client.wait_closed().await;
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
}

async fn call_whole(client: &mut H2Client) -> (http::Response<()>, bytes::Bytes, H2End) {
    client.call("POST", CHAT.target, &[], CHAT.blocking).await
}

#[tokio::test]
async fn requests_that_outlast_the_grace_period_get_an_error() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let authority = Authority::new();
    let gateway = start(&authority, "50ms", &provider).await;
    let mut client = H2Client::connect(gateway.address(), &authority).await;
    let mut chat = call(&mut client, &CHAT, true).await;
    let mut passed = client.send("GET", PASSED_THROUGH, &[], "").await;
    let mut uploading = client.begin("POST", CHAT.target, &[], false).await;
    for (stream, begun) in [(&mut chat, CHAT.events[0]), (&mut passed, "begun ")] {
        stream.head().await;
        stream.read_until(begun).await;
    }
    gateway.terminate();

    let (rest, end) = chat.read_to_end().await;
    let error = CHAT.error_in(std::str::from_utf8(&rest).unwrap());
    assert_eq!((&error["code"], end), (&"shutting_down".into(), H2End::Clean));
    assert_eq!(
        passed.read_to_end().await,
        ("".into(), H2End::Reset(Reason::INTERNAL_ERROR)),
        "it has no way to tell"
    );
    assert_eq!(uploading.head().await.status(), 503);
    drop((chat, passed, uploading));
    client.wait_closed().await;
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
}

#[tokio::test]
async fn an_incomplete_handshake_does_not_delay_the_shutdown() {
    let authority = Authority::new();
    let gateway = launch(&authority, "").start().await;
    let _silent = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
    let next = H2Client::connect(gateway.address(), &authority).await.call("GET", "/healthz", &[], "").await;
    assert_eq!(next.1, "ok", "the request does not wait: {TLS}");
    gateway.terminate();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
}
