//! The end of the gateway, as HTTP/2 tells it.

use super::{TLS, ask, launch};
use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Authority, Gate, Gateway, H2Client, H2End, Script, ScriptedProvider, Step};
use h2::Reason;

const PASSED_THROUGH: &str = "/openai/v1/responses/r1";

/// Begins every answer, and goes on at the gate.
async fn provider_that_waits(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| {
        let waiting = Step::Await(gate.clone());
        if request.method == "GET" {
            return Script::sse_head().chunk("begun ").then(waiting).chunk("ended").then(Step::End);
        }
        let [first, second, last] = CHAT.events;
        Script::sse_head().chunk(first).then(waiting).chunk([second, last].concat()).then(Step::End)
    })
    .await
}

async fn start(authority: &Authority, grace: &str, provider: &ScriptedProvider) -> Gateway {
    let server = format!("[server]\nshutdown_grace = \"{grace}\"\n");
    launch(authority, &(server + &provider_settings(&provider.base_url(), &[KEY]))).start().await
}

#[tokio::test]
async fn streams_under_way_end_behind_a_goaway() {
    let gate = Gate::new();
    let provider = provider_that_waits(&gate).await;
    let authority = Authority::new();
    let gateway = start(&authority, "24h", &provider).await;
    let mut client = H2Client::connect(gateway.address(), &authority).await;
    let unused = H2Client::connect(gateway.address(), &authority).await;
    let mut streams =
        [ask(&mut client, &CHAT, true).await, client.send("GET", PASSED_THROUGH, &[], "").await];
    for (stream, begun) in streams.iter_mut().zip([CHAT.events[0], "begun "]) {
        stream.head().await;
        stream.until(begun).await;
    }
    gateway.terminate();
    client.told_to_go().await;

    for mut client in [H2Client::connect(gateway.address(), &authority).await, unused] {
        let (head, body, end) = ask_whole(&mut client).await;
        assert_eq!(
            (head.status().as_u16(), end),
            (503, H2End::Clean),
            "the first request is refused in words"
        );
        assert_eq!(head.headers()["x-aibridge-error"], "shutting_down");
        assert_eq!(head.headers().get("connection"), None);
        assert!(body.starts_with(b"{\"error\":{"));
        client.told_to_go().await;
        client.closed().await;
    }
    gate.open();
    let [mut chat, mut passed] = streams;
    assert_eq!(chat.rest().await, (CHAT.events[1..].concat().into(), H2End::Clean));
    assert_eq!(passed.rest().await, ("ended".into(), H2End::Clean));
    client.closed().await;
    assert_eq!(gateway.exited().await.status.code(), Some(0));
}

async fn ask_whole(client: &mut H2Client) -> (http::Response<()>, bytes::Bytes, H2End) {
    client.ask("POST", CHAT.target, &[], CHAT.blocking).await
}

#[tokio::test]
async fn what_outlasts_the_grace_period_is_cut_and_told_so() {
    let gate = Gate::new();
    let provider = provider_that_waits(&gate).await;
    let authority = Authority::new();
    let gateway = start(&authority, "50ms", &provider).await;
    let mut client = H2Client::connect(gateway.address(), &authority).await;
    let mut chat = ask(&mut client, &CHAT, true).await;
    let mut passed = client.send("GET", PASSED_THROUGH, &[], "").await;
    let mut uploading = client.begin("POST", CHAT.target, &[], false).await;
    for (stream, begun) in [(&mut chat, CHAT.events[0]), (&mut passed, "begun ")] {
        stream.head().await;
        stream.until(begun).await;
    }
    gateway.terminate();

    let (rest, end) = chat.rest().await;
    let error = CHAT.error_in(std::str::from_utf8(&rest).unwrap());
    assert_eq!((&error["code"], end), (&"shutting_down".into(), H2End::Clean));
    assert_eq!(
        passed.rest().await,
        ("".into(), H2End::Reset(Reason::INTERNAL_ERROR)),
        "it has no way to tell"
    );
    assert_eq!(uploading.head().await.status(), 503);
    drop((chat, passed, uploading));
    client.closed().await;
    assert_eq!(gateway.exited().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_does_not_hold_up_the_end() {
    let authority = Authority::new();
    let gateway = launch(&authority, "").start().await;
    let _silent = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
    let answered =
        H2Client::connect(gateway.address(), &authority).await.ask("GET", "/healthz", &[], "").await;
    assert_eq!(answered.1, "ok", "nobody waits for it: {TLS}");
    gateway.terminate();
    assert_eq!(gateway.exited().await.status.code(), Some(0));
}
