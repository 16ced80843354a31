//! Limits of the client listener: connections, head size, header timeout and keep-alive.

use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Authority, BodyEnd, Gate, Gateway, H2Client, H2End, Launch, RawClient, ScriptedProvider, request, within,
};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TLS: &str = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";

const SHORT_KEEP_ALIVE: &str = "[server]\nkeep_alive = \"100ms\"\n";

fn launch(limits: &str, more: &str) -> Launch {
    let settings = format!("[limits]\n{limits}\n[admin]\nlisten = \"127.0.0.1:0\"\n{more}");
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

fn health() -> Vec<u8> {
    request("GET", "/healthz", &[], b"")
}

async fn open(address: SocketAddr) -> RawClient {
    let mut client = RawClient::connect(address).await;
    assert_eq!(client.call(&health()).await.status(), 200);
    client
}

/// The number of open connections that the metrics of the admin listener show.
async fn open_connections(gateway: &Gateway) -> u64 {
    gateway.wait_for_output("admin    http://").await;
    let output = gateway.stdout();
    let admin = output.split("admin    http://").nth(1).unwrap().lines().next().unwrap();
    let metrics = RawClient::get(admin.parse().unwrap(), "/metrics").await;
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("aibridge_open_connections "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn connections_over_the_limit_wait_and_none_is_lost() {
    let gateway = launch("max_connections = 2", "").start().await;
    let (first, mut second) = (open(gateway.address()).await, open(gateway.address()).await);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(&request("GET", "/healthz", &[("Connection", "close")], b"")).await;
        waiting.push(client);
    }
    gateway.wait_for_output("the connection limit is reached").await;
    assert_eq!(open_connections(&gateway).await, 2, "the admin listener is not limited");
    assert_eq!(second.call(&health()).await.status(), 200, "open connections are served");
    assert_eq!(open_connections(&gateway).await, 2);
    drop(first);
    for client in &mut waiting {
        assert_eq!(client.head().await.status, 200);
    }
    assert_eq!(gateway.stderr().matches("the connection limit is reached").count(), 1);
}

#[tokio::test]
async fn a_tls_connection_takes_its_permit_before_the_handshake() {
    let authority = Authority::new();
    let launch = launch("max_connections = 1", TLS);
    authority.issue().write_to(launch.dir());
    let gateway = launch.start().await;
    let silent = RawClient::connect(gateway.address()).await;
    gateway.wait_for_output("the connection limit is reached").await;
    assert_eq!(open_connections(&gateway).await, 1);
    drop(silent);

    let mut second = H2Client::connect(gateway.address(), &authority).await;
    assert_eq!(second.call("GET", "/healthz", &[], "").await.1, "ok");
    assert_eq!(open_connections(&gateway).await, 1);
    second.abort();

    let mut first = authority.connect(gateway.address(), &["http/1.1"]).await.unwrap();
    first.write_all(&health()).await.unwrap();
    within(first.read_u8(), "a response").await.unwrap();
    assert_eq!(open_connections(&gateway).await, 1);
}

#[tokio::test]
async fn a_raised_limit_admits_waiting_connections() {
    let gateway = launch("max_connections = 1", "").start().await;
    let _first = open(gateway.address()).await;
    let mut waiting = RawClient::connect(gateway.address()).await;
    waiting.send(&health()).await;
    gateway.wait_for_output("the connection limit is reached").await;
    let settings = std::fs::read_to_string(gateway.launch().config_path()).unwrap();
    std::fs::write(gateway.launch().config_path(), settings.replace("= 1", "= 2")).unwrap();
    gateway.hang_up();
    gateway.wait_for_output("settings=[\"limits.max_connections\"]").await;
    assert_eq!(waiting.head().await.status, 200);
}

#[tokio::test]
async fn a_connection_without_a_request_head_releases_its_permit() {
    let gateway = launch("max_connections = 1\nheader_timeout = \"100ms\"", SHORT_KEEP_ALIVE).start().await;
    for begun in ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut slow = RawClient::connect(gateway.address()).await;
        slow.send(begun.as_bytes()).await;
        let mut idle = RawClient::connect(gateway.address()).await;
        assert_eq!(idle.call(&health()).await.status(), 200, "the slow connection released its permit");
        assert!(slow.try_head().await.is_none());
        let mut next = open(gateway.address()).await;
        assert!(idle.try_head().await.is_none(), "an idle connection released its permit, too");
        next.wait_closed().await;
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout() {
    let authority = Authority::new();
    let secured = launch("header_timeout = \"100ms\"", TLS);
    authority.issue().write_to(secured.dir());
    let secured = secured.start().await;
    let plain = launch("header_timeout = \"100ms\"", "").start().await;
    let mut idle = open(plain.address()).await;
    let mut idle_h2 = H2Client::connect(secured.address(), &authority).await;
    assert_eq!(idle_h2.call("GET", "/healthz", &[], "").await.1, "ok");
    for _ in 0..2 {
        RawClient::connect(plain.address()).await.wait_closed().await;
        H2Client::connect(secured.address(), &authority).await.wait_closed().await;
    }
    assert_eq!(idle.call(&health()).await.status(), 200);
    assert_eq!(idle_h2.call("GET", "/healthz", &[], "").await.1, "ok");
    idle.send(b"GET /healthz").await; // the head has begun, so that the header timeout applies
    idle.wait_closed().await;
}

#[tokio::test]
async fn a_connection_with_a_request_in_flight_is_not_idle() {
    let gate = Gate::new();
    let script_gate = gate.clone();
    let provider = ScriptedProvider::start(move |_| CHAT.held_stream(&script_gate)).await;
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    let authority = Authority::new();
    let secured = launch("header_timeout = \"100ms\"", &format!("{SHORT_KEEP_ALIVE}{TLS}{settings}"));
    authority.issue().write_to(secured.dir());
    let secured = secured.start().await;
    let plain = launch("header_timeout = \"100ms\"", &format!("{SHORT_KEEP_ALIVE}{settings}")).start().await;

    let mut one = CHAT.send(plain.address(), true).await;
    one.head().await;
    one.read_until(CHAT.events[0]).await;
    let mut two = H2Client::connect(secured.address(), &authority).await;
    let mut stream = two.send("POST", CHAT.target, &[], CHAT.stream).await;
    stream.head().await;
    stream.read_until(CHAT.events[0]).await;

    for _ in 0..2 {
        open(plain.address()).await.wait_closed().await;
        let mut idle = H2Client::connect(secured.address(), &authority).await;
        assert_eq!(idle.call("GET", "/healthz", &[], "").await.1, "ok");
        idle.wait_for_goaway().await;
        idle.wait_closed().await;
        let unused = H2Client::connect(secured.address(), &authority).await;
        unused.wait_closed().await;
    }
    assert_eq!(two.call("GET", "/healthz", &[], "").await.1, "ok", "no GOAWAY was sent");
    gate.open();
    let rest = CHAT.events[1..].concat();
    assert_eq!(one.read_to_end().await, (rest.clone().into(), BodyEnd::Clean));
    assert_eq!(stream.read_to_end().await, (rest.into(), H2End::Clean));
    drop(stream);
    two.wait_for_goaway().await; // now the connection is idle
    two.wait_closed().await;
}

#[tokio::test]
async fn the_maximum_head_size_is_configurable() {
    for (limit, fits, too_long) in [("2KiB", 1500, 3000), ("256KiB", 200_000, 300_000)] {
        let gateway = launch(&format!("max_header_bytes = \"{limit}\""), "").start().await;
        for (length, status) in [(fits, 200), (too_long, 431)] {
            let mut client = RawClient::connect(gateway.address()).await;
            client.send(&request("GET", "/healthz", &[("X-Long", &"x".repeat(length))], b"")).await;
            assert_eq!(client.head().await.status, status, "{limit}");
        }
    }
}
