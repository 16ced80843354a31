//! What load balancers ask.

use crate::harness::Harness;
use crate::store_refuses::lock;
use aibridge_testkit::{Launch, RawClient, request, within};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PATHS: [(&str, &str); 2] = [("/healthz", "ok"), ("/readyz", r#"{"ready":true}"#)];

#[tokio::test]
async fn anyone_may_ask_but_only_ask() {
    let gateway = Harness::start("[auth]\nmode = \"tokens\"\n").await;
    for (path, body) in PATHS {
        let mut client = RawClient::connect(gateway.address).await;
        let answer = client.ask(&request("GET", path, &[], b"")).await;
        assert_eq!((answer.status(), answer.text()), (200, body));
        assert_eq!(answer.header("cache-control"), Some("no-store"));

        let mut asks_head = RawClient::connect(gateway.address).await;
        asks_head.send(&request("HEAD", &format!("{path}?x"), &[("Connection", "close")], b"")).await;
        let head = asks_head.head().await;
        assert_eq!((head.status, head.header("content-length")), (200, answer.header("content-length")));
        asks_head.closed().await;

        for method in ["POST", "DELETE", "OPTIONS"] {
            let refused = client.ask(&request(method, path, &[], b"")).await;
            assert_eq!((refused.status(), refused.header("allow")), (405, Some("GET,HEAD")), "{method}");
        }
        let below = client.ask(&request("GET", &format!("{path}/"), &[], b"")).await;
        assert_eq!(below.header("x-aibridge-error"), Some("unknown_route"));
    }
    assert!(gateway.store.rows("aibridge_interceptions").is_empty());
}

#[tokio::test]
async fn a_store_that_cannot_record_is_not_ready_and_asked_once() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config("");
    let gateway = launch.start().await;
    let held = lock(&gateway.store());
    let begun = Instant::now();
    let ask = || RawClient::get(gateway.address(), "/readyz");
    let many = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
    assert!(begun.elapsed() < Duration::from_secs(2), "an answer comes in time: {:?}", begun.elapsed());
    for answer in <[_; 8]>::from(many) {
        let told = (answer.status(), answer.text());
        assert_eq!(told, (503, r#"{"ready":false,"reason":"store_unavailable"}"#));
    }
    assert_eq!(RawClient::get(gateway.address(), "/healthz").await.status(), 200);
    drop(held);

    let recovered = async {
        while ask().await.status() != 200 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    within(recovered, "the gateway to be ready again").await;
    gateway.terminate();
    let log = gateway.exited().await.stderr;
    assert_eq!(log.matches("not ready").count(), 1, "{log}");
}
