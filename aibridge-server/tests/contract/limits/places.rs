//! Whatever becomes of a request, its place is free again.

use super::*;
use crate::store_refuses::lock;
use crate::ways::OWN_BEARER;
use aibridge_testkit::{Framing, within};

const LIMIT: &str = "max_concurrent_requests = 1";

/// Asks until there is room.
async fn gets_in(gateway: &Harness, about: &str) {
    let asked = async {
        loop {
            match WAYS[0].ask(gateway, &[("X-Good", "1")]).await {
                answer if answer.status() == 200 => return,
                answer => assert_overloaded(&answer, 1, about),
            }
        }
    };
    within(asked, &format!("room after {about}")).await;
}

/// Answers a request that says so well, and others by `script`.
async fn provider(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> ScriptedProvider {
    ScriptedProvider::start(move |request| match request.header("x-good") {
        Some(_) => Way::of(request).good_answer(),
        None => script(request),
    })
    .await
}

#[tokio::test]
async fn a_client_that_leaves_makes_room() {
    let scripts: [(&str, fn(&Dialect) -> Script); 3] = [
        ("before the head", |_| Script::new().then(Step::Stall)),
        ("in a stream", |dialect| Script::sse_head().chunk(dialect.events[0]).then(Step::Stall)),
        ("in a blocking body", |dialect| {
            Script::head(200, Framing::ContentLength(9999)).chunk(dialect.whole).then(Step::Stall)
        }),
    ];
    for dialect in DIALECTS {
        for (point, script) in scripts {
            for crashes in [false, true] {
                let mut provider = provider(move |_| script(dialect)).await;
                let gateway = limited(LIMIT, &provider).await;
                let mut client = dialect.send(gateway.address, point == "in a stream").await;
                provider.next_received().await;
                if point == "in a stream" {
                    client.head().await;
                    client.until(dialect.events[0]).await;
                }
                assert_overloaded(&WAYS[0].ask(&gateway, &[]).await, 1, point);
                if crashes {
                    client.reset()
                } else {
                    drop(client)
                }
                gets_in(&gateway, &format!("{} {point} {crashes}", dialect.target)).await;
            }
        }
    }
}

#[tokio::test]
async fn leaving_while_something_is_passed_through_or_sent_makes_room() {
    let mut provider = provider(|_| Script::head(200, Framing::Chunked).chunk("{").then(Step::Stall)).await;
    let gateway = limited(LIMIT, &provider).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("GET", "/openai/v1/models", &[], b"")).await;
    provider.next_received().await;
    client.head().await;
    client.until("{").await;
    assert_overloaded(&WAYS[4].ask(&gateway, &[]).await, 1, "passthrough");
    drop(client);
    gets_in(&gateway, "passthrough").await;

    // What is streamed to the provider counts from its first bytes.
    let way = &WAYS[4];
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", way.target, &[("Content-Length", "99")], b"")).await;
    client.send(way.body.as_bytes()).await;
    let refused = async { while WAYS[0].ask(&gateway, &[("X-Good", "1")]).await.status() != 503 {} };
    within(refused, "half a body to take a place").await;
    drop(client);
    gets_in(&gateway, way.name).await;
}

#[tokio::test]
async fn what_fails_makes_room() {
    let scripts: [(&str, Script); 6] = [
        ("500", Script::json(500, "{}")),
        ("401", Script::json(401, "{}")),
        ("resets", Script::new().then(Step::Reset)),
        ("stalls", Script::new().then(Step::Stall)),
        ("breaks off", Script::sse_head().chunk("data: {}\n\n").then(Step::Reset)),
        ("stops", Script::sse_head().chunk("data: {}\n\n").then(Step::Stall)),
    ];
    for (about, script) in scripts {
        let provider = provider(move |_| script.clone()).await;
        let timeouts = "response_timeout = \"200ms\"\nstream_idle_timeout = \"200ms\"\n";
        let gateway = Harness::start(&(without_keys(LIMIT, &provider) + timeouts)).await;
        let own = ("Authorization", OWN_BEARER);
        for way in &WAYS {
            let failed = way.ask(&gateway, &[own]).await;
            assert!(failed.status() != 200 || failed.text() != way.answer, "{about} {}", way.name);
            assert_ne!(failed.header("x-aibridge-error"), Some("overloaded"), "{about} {}", way.name);
            let next = WAYS[0].ask(&gateway, &[own, ("X-Good", "1")]).await;
            assert_eq!(next.status(), 200, "{about} {}", way.name);
        }
    }
}

#[tokio::test]
async fn what_is_refused_makes_room() {
    let provider = good_provider().await;
    let byok = "[auth]\nbyok = false\n[server]\nmax_body_bytes = 100\n";
    let gateway = Harness::start(&format!("{byok}{}", settings(LIMIT, &provider))).await;
    let big = "x".repeat(101);
    let table: [(&str, &[(&str, &str)], &str); 6] = [
        (CHAT.target, &[], "[]"),
        (CHAT.target, &[], &big),
        (CHAT.target, &[("Content-Encoding", "gzip")], "{}"),
        ("/openai/v1/responses", &[], r#"{"background":true}"#),
        ("/openai/v1/nothing", &[], "{}"),
        ("/openai/v1/conversations", &[], &big),
    ];
    for (target, headers, body) in table {
        let refused = RawClient::post(gateway.address, target, headers, body).await;
        assert_ne!(refused.header("x-aibridge-error"), Some("overloaded"), "{target} {body}");
        assert_eq!(WAYS[0].ask(&gateway, &[]).await.status(), 200, "{target} {body}");
    }
    let held = lock(&gateway.store);
    assert_eq!(WAYS[0].ask(&gateway, &[]).await.header("x-aibridge-error"), Some("recorder_unavailable"));
    drop(held);
    assert_eq!(WAYS[0].ask(&gateway, &[]).await.status(), 200, "recorder_unavailable");
}
