//! `/healthz` and `/readyz`: methods, access and the state of the store.

use crate::harness::{Harness, WAITS_FOR_DATABASE};
use crate::store_failures::lock;
use aibridge_testkit::{Launch, RawClient, poll_until, request};
use std::time::Duration;
use tokio::time::Instant;

const PATHS: [(&str, &str); 2] = [("/healthz", "ok"), ("/readyz", r#"{"ready":true}"#)];

#[tokio::test]
async fn health_paths_need_no_token_and_allow_only_get_and_head() {
    let gateway = Harness::start("[auth]\nmode = \"tokens\"\n").await;
    for (path, body) in PATHS {
        let mut client = RawClient::connect(gateway.address).await;
        let response = client.call(&request("GET", path, &[], b"")).await;
        assert_eq!((response.status(), response.text()), (200, body));
        assert_eq!(response.header("cache-control"), Some("no-store"));

        let mut asks_head = RawClient::connect(gateway.address).await;
        asks_head.send(&request("HEAD", &format!("{path}?x"), &[("Connection", "close")], b"")).await;
        let head = asks_head.head().await;
        assert_eq!((head.status, head.header("content-length")), (200, response.header("content-length")));
        asks_head.wait_closed().await;

        for method in ["POST", "DELETE", "OPTIONS"] {
            let refused = client.call(&request(method, path, &[], b"")).await;
            assert_eq!((refused.status(), refused.header("allow")), (405, Some("GET,HEAD")), "{method}");
            assert_eq!(refused.header("x-aibridge-error"), Some("method_not_allowed"), "{method}");
            assert_eq!(refused.json()["error"]["code"], "method_not_allowed", "{method}");
        }
        let below = client.call(&request("GET", &format!("{path}/"), &[], b"")).await;
        assert_eq!(below.header("x-aibridge-error"), Some("unknown_route"));
    }
    assert!(gateway.store.rows("aibridge_interceptions").is_empty());
}

#[tokio::test]
async fn an_unavailable_store_is_not_ready_and_concurrent_checks_share_one_probe() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(WAITS_FOR_DATABASE);
    let gateway = launch.start().await;
    let write_lock = lock(&gateway.store());
    let sent_at = Instant::now();
    let call = || RawClient::get(gateway.address(), "/readyz");
    let many = tokio::join!(call(), call(), call(), call(), call(), call(), call(), call());
    assert!(
        sent_at.elapsed() < Duration::from_secs(2),
        "a response arrives in time: {:?}",
        sent_at.elapsed()
    );
    for response in <[_; 8]>::from(many) {
        let actual = (response.status(), response.text());
        assert_eq!(actual, (503, r#"{"ready":false,"reason":"store_unavailable"}"#));
    }
    assert_eq!(RawClient::get(gateway.address(), "/healthz").await.status(), 200);
    drop(write_lock);

    poll_until(async || call().await.status() == 200, "the gateway to be ready again").await;
    gateway.terminate();
    let log = gateway.wait_exit().await.stderr;
    assert_eq!(log.matches("not ready").count(), 1, "{log}");
}
