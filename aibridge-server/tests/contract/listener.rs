//! How many connections there may be, and how long one may do nothing.

use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Authority, BodyEnd, Gate, Gateway, H2Client, H2End, Launch, RawClient, Script, ScriptedProvider, Step,
    request, within,
};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TLS: &str = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";

const KEPT_BRIEFLY: &str = "[server]\nkeep_alive = \"100ms\"\n";

fn launch(limits: &str, more: &str) -> Launch {
    let settings = format!("[limits]\n{limits}\n[admin]\nlisten = \"127.0.0.1:0\"\n{more}");
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

fn health() -> Vec<u8> {
    request("GET", "/healthz", &[], b"")
}

async fn open(address: SocketAddr) -> RawClient {
    let mut client = RawClient::connect(address).await;
    assert_eq!(client.ask(&health()).await.status(), 200);
    client
}

/// How many connections operators see.
async fn open_connections(gateway: &Gateway) -> u64 {
    gateway.said("admin    http://").await;
    let said = gateway.stdout();
    let admin = said.split("admin    http://").nth(1).unwrap().lines().next().unwrap();
    let metrics = RawClient::get(admin.parse().unwrap(), "/metrics").await;
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("aibridge_open_connections "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_and_none_is_lost() {
    let gateway = launch("max_connections = 2", "").start().await;
    let (first, mut second) = (open(gateway.address()).await, open(gateway.address()).await);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(&request("GET", "/healthz", &[("Connection", "close")], b"")).await;
        waiting.push(client);
    }
    gateway.said("the connection limit is reached").await;
    assert_eq!(open_connections(&gateway).await, 2, "operators still get in");
    assert_eq!(second.ask(&health()).await.status(), 200, "those who are in are served");
    assert_eq!(open_connections(&gateway).await, 2);
    drop(first);
    for client in &mut waiting {
        assert_eq!(client.head().await.status, 200);
    }
    assert_eq!(gateway.stderr().matches("the connection limit is reached").count(), 1);
}

#[tokio::test]
async fn every_connection_with_tls_has_a_place_from_its_beginning() {
    let authority = Authority::new();
    let launch = launch("max_connections = 1", TLS);
    authority.issue().put(launch.dir());
    let gateway = launch.start().await;
    let silent = RawClient::connect(gateway.address()).await;
    gateway.said("the connection limit is reached").await;
    assert_eq!(open_connections(&gateway).await, 1);
    drop(silent);

    let mut second = H2Client::connect(gateway.address(), &authority).await;
    assert_eq!(second.ask("GET", "/healthz", &[], "").await.1, "ok");
    assert_eq!(open_connections(&gateway).await, 1);
    second.leave();

    let mut first = authority.connect(gateway.address(), &["http/1.1"]).await.unwrap();
    first.write_all(&health()).await.unwrap();
    within(first.read_u8(), "an answer").await.unwrap();
    assert_eq!(open_connections(&gateway).await, 1);
}

#[tokio::test]
async fn new_settings_make_room_for_who_waits() {
    let gateway = launch("max_connections = 1", "").start().await;
    let _first = open(gateway.address()).await;
    let mut waiting = RawClient::connect(gateway.address()).await;
    waiting.send(&health()).await;
    gateway.said("the connection limit is reached").await;
    let settings = std::fs::read_to_string(gateway.launch().config_path()).unwrap();
    std::fs::write(gateway.launch().config_path(), settings.replace("= 1", "= 2")).unwrap();
    gateway.hang_up();
    gateway.said("settings=[\"limits.max_connections\"]").await;
    assert_eq!(waiting.head().await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_costs_no_place() {
    let gateway = launch("max_connections = 1\nheader_timeout = \"100ms\"", KEPT_BRIEFLY).start().await;
    for begun in ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut slow = RawClient::connect(gateway.address()).await;
        slow.send(begun.as_bytes()).await;
        let mut idle = RawClient::connect(gateway.address()).await;
        assert_eq!(idle.ask(&health()).await.status(), 200, "the slow one made room");
        assert!(slow.try_head().await.is_none());
        let mut next = open(gateway.address()).await;
        assert!(idle.try_head().await.is_none(), "a connection that is only kept made room, too");
        next.closed().await;
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_limit_for_a_head() {
    let authority = Authority::new();
    let secured = launch("header_timeout = \"100ms\"", TLS);
    authority.issue().put(secured.dir());
    let secured = secured.start().await;
    let plain = launch("header_timeout = \"100ms\"", "").start().await;
    let mut idle = open(plain.address()).await;
    let mut idle_h2 = H2Client::connect(secured.address(), &authority).await;
    assert_eq!(idle_h2.ask("GET", "/healthz", &[], "").await.1, "ok");
    for _ in 0..2 {
        RawClient::connect(plain.address()).await.closed().await;
        H2Client::connect(secured.address(), &authority).await.closed().await;
    }
    assert_eq!(idle.ask(&health()).await.status(), 200);
    assert_eq!(idle_h2.ask("GET", "/healthz", &[], "").await.1, "ok");
    idle.send(b"GET /healthz").await; // the head has begun, so the limit for a head applies
    idle.closed().await;
}

#[tokio::test]
async fn a_connection_with_a_request_under_way_is_not_idle() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = ScriptedProvider::start(move |_| {
        let [first, second, last] = CHAT.events;
        let script = Script::sse_head().chunk(first).then(Step::Await(held.clone()));
        script.chunk([second, last].concat()).then(Step::End)
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    let authority = Authority::new();
    let secured = launch("header_timeout = \"100ms\"", &format!("{KEPT_BRIEFLY}{TLS}{settings}"));
    authority.issue().put(secured.dir());
    let secured = secured.start().await;
    let plain = launch("header_timeout = \"100ms\"", &format!("{KEPT_BRIEFLY}{settings}")).start().await;

    let mut one = CHAT.send(plain.address(), true).await;
    one.head().await;
    one.until(CHAT.events[0]).await;
    let mut two = H2Client::connect(secured.address(), &authority).await;
    let mut stream = two.send("POST", CHAT.target, &[], CHAT.stream).await;
    stream.head().await;
    stream.until(CHAT.events[0]).await;

    for _ in 0..2 {
        open(plain.address()).await.closed().await;
        let mut idle = H2Client::connect(secured.address(), &authority).await;
        assert_eq!(idle.ask("GET", "/healthz", &[], "").await.1, "ok");
        idle.told_to_go().await;
        idle.closed().await;
        let unused = H2Client::connect(secured.address(), &authority).await;
        unused.closed().await;
    }
    assert_eq!(two.ask("GET", "/healthz", &[], "").await.1, "ok", "nobody told it to go");
    gate.open();
    let rest = CHAT.events[1..].concat();
    assert_eq!(one.rest().await, (rest.clone().into(), BodyEnd::Clean));
    assert_eq!(stream.rest().await, (rest.into(), H2End::Clean));
    drop(stream);
    two.told_to_go().await; // now it is
    two.closed().await;
}

#[tokio::test]
async fn a_head_may_be_as_long_as_the_settings_say() {
    for (limit, fits, too_long) in [("2KiB", 1500, 3000), ("256KiB", 200_000, 300_000)] {
        let gateway = launch(&format!("max_header_bytes = \"{limit}\""), "").start().await;
        for (length, status) in [(fits, 200), (too_long, 431)] {
            let mut client = RawClient::connect(gateway.address()).await;
            client.send(&request("GET", "/healthz", &[("X-Long", &"x".repeat(length))], b"")).await;
            assert_eq!(client.head().await.status, status, "{limit}");
        }
    }
}
