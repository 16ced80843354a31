//! Shutdown of the real binary: the grace period, the second signal and the messages.

use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::provider_settings;
use aibridge_testkit::{
    BodyEnd, Gate, Gateway, Launch, RawClient, Script, ScriptedProvider, Step, request, within,
};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PASSED_THROUGH: &str = "/openai/v1/responses/r1";

fn launch(server: &str, base_url: &str) -> Launch {
    let settings = format!("[server]\n{server}\n{}", provider_settings(base_url, &[KEY]));
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

/// A provider that begins every response and continues when the gate opens.
async fn gated_provider(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| {
        if request.method == "GET" {
            return Script::held_stream("begun ", &gate, "ended");
        }
        let dialect = Dialect::of(request);
        let sent = if request.json()["stream"] == true { 2 } else { 0 };
        let script = Dialect::respond_to(request).wait_after(sent, &gate);
        assert!(matches!(&script.steps[sent + 1], Step::Chunk(_) | Step::Head { .. }), "{}", dialect.target);
        script
    })
    .await
}

/// A client for each of [`REQUESTS`] and one for a passthrough request, all of which have received the beginning.
async fn open_clients(gate: &Gate, gateway: SocketAddr) -> (Vec<RawClient>, RawClient) {
    let mut clients = Vec::new();
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway, streaming).await;
        if streaming {
            client.head().await;
            client.read_until(dialect.events[0]).await;
        }
        clients.push(client);
    }
    let mut passed = RawClient::connect(gateway).await;
    passed.send(&request("GET", PASSED_THROUGH, &[], b"")).await;
    passed.head().await;
    passed.read_until("begun ").await;
    gate.wait_reached(REQUESTS.len() + 1).await;
    (clients, passed)
}

#[tokio::test]
async fn requests_in_flight_finish_and_new_ones_are_refused() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let launch = launch("", &provider.base_url());
    let gateway = launch.start().await;
    let (mut clients, mut passed) = open_clients(&gate, gateway.address()).await;
    let mut idle = RawClient::connect(gateway.address()).await;
    assert_eq!(idle.call(&request("GET", "/nowhere", &[], b"")).await.status(), 404);
    gateway.terminate();
    gateway.wait_for_output("stopping").await;

    let ready = RawClient::get(gateway.address(), "/readyz").await;
    assert_eq!((ready.status(), ready.text()), (503, r#"{"ready":false,"reason":"shutting_down"}"#));
    assert_eq!(RawClient::get(gateway.address(), "/healthz").await.status(), 200);
    for (target, body) in [(CHAT.target, CHAT.stream), (PASSED_THROUGH, "{}"), ("/nowhere", "{}")] {
        let refused = RawClient::post(gateway.address(), target, &[], body).await;
        assert_eq!(
            (refused.status(), refused.header("x-aibridge-error")),
            (503, Some("shutting_down")),
            "{target}"
        );
        assert_eq!(refused.header("connection"), Some("close"), "{target}");
        let error = &refused.json()["error"];
        assert_eq!((&error["type"], &error["code"]), (&"server_error".into(), &"shutting_down".into()));
    }
    gate.open();
    for ((dialect, streaming), client) in REQUESTS.into_iter().zip(&mut clients) {
        let rest = if streaming { dialect.events[1..].concat() } else { dialect.whole.to_owned() };
        if !streaming {
            assert_eq!(client.head().await.status, 200);
        }
        assert_eq!(client.read_to_end().await, (rest.into(), BodyEnd::Clean));
    }
    assert_eq!(passed.read_to_end().await, ("ended".into(), BodyEnd::Clean));
    idle.wait_closed().await;
    let store = gateway.store();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
    assert!(!store.path().with_extension("db-wal").exists(), "the store is closed, not left behind");
    assert_eq!(provider.received().len(), REQUESTS.len() + 1, "refused requests reached no provider");
    let rows = store.rows("aibridge_interceptions");
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "completed").count(), REQUESTS.len());
    assert_eq!(rows.len(), REQUESTS.len());
}

#[tokio::test]
async fn requests_that_outlast_the_grace_period_get_an_error() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let launch = launch("shutdown_grace = \"50ms\"", &provider.base_url());
    let gateway = launch.start().await;
    let (mut clients, mut passed) = open_clients(&gate, gateway.address()).await;
    gateway.terminate();

    for ((dialect, streaming), client) in REQUESTS.into_iter().zip(&mut clients) {
        if streaming {
            let (rest, end) = client.read_to_end().await;
            let error = dialect.error_in(std::str::from_utf8(&rest).unwrap());
            assert_eq!((&error["code"], end), (&"shutting_down".into(), BodyEnd::Clean));
        } else {
            let head = client.head().await;
            assert_eq!((head.status, head.header("x-aibridge-error")), (503, Some("shutting_down")));
            assert_eq!(head.header("connection"), Some("close"));
        }
    }
    assert_eq!(passed.read_to_end().await, ("".into(), BodyEnd::Truncated), "it has no way to tell");
    let store = gateway.store();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
    let rows = store.rows("aibridge_interceptions");
    assert_eq!(rows.len(), REQUESTS.len());
    for row in rows {
        assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"shutdown".into()));
        assert!(row["ended_at"].is_string());
    }
    for number in 0..provider.received().len() {
        assert!(provider.wait_closed(number).await.by_peer);
    }
}

#[tokio::test]
async fn a_second_signal_exits_at_once() {
    let signals: [(fn(&Gateway), fn(&Gateway), i32); 3] = [
        (Gateway::terminate, Gateway::terminate, 143),
        (Gateway::terminate, Gateway::interrupt, 130),
        (Gateway::interrupt, Gateway::interrupt, 130),
    ];
    for (first, second, code) in signals {
        let gate = Gate::new();
        let provider = gated_provider(&gate).await;
        let launch = launch("shutdown_grace = \"24h\"", &provider.base_url());
        let gateway = launch.start().await;
        let (mut clients, _passed) = open_clients(&gate, gateway.address()).await;
        first(&gateway);
        gateway.wait_for_output("stopping").await;
        second(&gateway);
        assert_eq!(gateway.wait_exit().await.status.code(), Some(code));
        for ((_, streaming), client) in REQUESTS.into_iter().zip(&mut clients) {
            match streaming {
                true => assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Truncated)),
                false => assert!(client.try_head().await.is_none()),
            }
        }
        let next = launch.start().await;
        let rows = next.store().rows("aibridge_interceptions");
        assert_eq!(rows.len(), REQUESTS.len());
        for row in rows {
            assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"gateway_crash".into()));
        }
    }
}

#[tokio::test]
async fn an_incomplete_request_does_not_delay_the_shutdown() {
    let gateway = launch("shutdown_grace = \"50ms\"", "http://127.0.0.1:9/v1/").start().await;
    let mut half = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n";
    half.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = vec![0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    within(half.read_exact(&mut go_on), "the gateway to want the body").await.unwrap();
    half.write_all(b"{").await.unwrap();
    gateway.terminate();
    let mut response = String::new();
    within(half.read_to_string(&mut response), "the gateway to hang up").await.unwrap();
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(response.contains("\r\nx-aibridge-error: shutting_down\r\n"), "{response}");
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
}
