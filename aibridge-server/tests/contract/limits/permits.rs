//! Every request releases its concurrency permit, however it ends.

use super::*;
use crate::endpoints::OWN_BEARER;
use crate::harness::WAITS_FOR_DATABASE;
use crate::store_failures::lock;
use aibridge_testkit::{Framing, poll_until};

const LIMIT: &str = "max_concurrent_requests = 1";

/// Repeats a request until it is admitted.
async fn assert_admitted(gateway: &Harness, about: &str) {
    let is_admitted = async || {
        let response = ENDPOINTS[0].call(gateway, &[("X-Good", "1")]).await;
        if response.status() != 200 {
            assert_overloaded(&response, 1, about);
        }
        response.status() == 200
    };
    poll_until(is_admitted, &format!("a free permit after {about}")).await;
}

/// Responds well to a request with `X-Good`, and to others by `script`.
async fn provider(script: impl Fn(&ReceivedRequest) -> Script + Send + Sync + 'static) -> ScriptedProvider {
    ScriptedProvider::start(move |request| match request.header("x-good") {
        Some(_) => Endpoint::of(request).good_response(),
        None => script(request),
    })
    .await
}

#[tokio::test]
async fn a_disconnect_releases_the_permit() {
    let scripts: [(&str, fn(&Dialect) -> Script); 3] = [
        ("before the head", |_| Script::new().then(Step::Stall)),
        ("in a stream", |dialect| Script::sse_head().chunk(dialect.events[0]).then(Step::Stall)),
        ("in a blocking body", |dialect| {
            Script::head(200, Framing::ContentLength(9999)).chunk(dialect.whole).then(Step::Stall)
        }),
    ];
    for dialect in OPENAI_DIALECTS {
        for (point, script) in scripts {
            for crashes in [false, true] {
                let mut provider = provider(move |_| script(dialect)).await;
                let gateway = limited_gateway(LIMIT, &provider).await;
                let mut client = dialect.send(gateway.address, point == "in a stream").await;
                provider.next_received().await;
                if point == "in a stream" {
                    client.head().await;
                    client.read_until(dialect.events[0]).await;
                }
                assert_overloaded(&ENDPOINTS[0].call(&gateway, &[]).await, 1, point);
                if crashes {
                    client.reset()
                } else {
                    drop(client)
                }
                assert_admitted(&gateway, &format!("{} {point} {crashes}", dialect.target)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_disconnect_from_passthrough_or_upload_releases_the_permit() {
    let mut provider = provider(|_| Script::head(200, Framing::Chunked).chunk("{").then(Step::Stall)).await;
    let gateway = limited_gateway(LIMIT, &provider).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("GET", "/openai/v1/models", &[], b"")).await;
    provider.next_received().await;
    client.head().await;
    client.read_until("{").await;
    assert_overloaded(&ENDPOINTS[4].call(&gateway, &[]).await, 1, "passthrough");
    drop(client);
    assert_admitted(&gateway, "passthrough").await;

    // A streamed upload holds its permit from its first bytes.
    let endpoint = &ENDPOINTS[4];
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", endpoint.target, &[("Content-Length", "99")], b"")).await;
    client.send(endpoint.body.as_bytes()).await;
    let is_refused = async || ENDPOINTS[0].call(&gateway, &[("X-Good", "1")]).await.status() == 503;
    poll_until(is_refused, "the incomplete body to take the permit").await;
    drop(client);
    assert_admitted(&gateway, endpoint.name).await;
}

#[tokio::test]
async fn a_failed_request_releases_the_permit() {
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
        for endpoint in &ENDPOINTS {
            let failed = endpoint.call(&gateway, &[own]).await;
            assert!(
                failed.status() != 200 || failed.text() != endpoint.response,
                "{about} {}",
                endpoint.name
            );
            assert_ne!(failed.header("x-aibridge-error"), Some("overloaded"), "{about} {}", endpoint.name);
            let next = ENDPOINTS[0].call(&gateway, &[own, ("X-Good", "1")]).await;
            assert_eq!(next.status(), 200, "{about} {}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_refused_request_releases_the_permit() {
    let provider = good_provider().await;
    let byok = format!("{WAITS_FOR_DATABASE}[auth]\nbyok = false\n[server]\nmax_body_bytes = 100\n");
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
        assert_eq!(ENDPOINTS[0].call(&gateway, &[]).await.status(), 200, "{target} {body}");
    }
    let write_lock = lock(&gateway.store);
    assert_eq!(
        ENDPOINTS[0].call(&gateway, &[]).await.header("x-aibridge-error"),
        Some("recorder_unavailable")
    );
    drop(write_lock);
    assert_eq!(ENDPOINTS[0].call(&gateway, &[]).await.status(), 200, "recorder_unavailable");
}
