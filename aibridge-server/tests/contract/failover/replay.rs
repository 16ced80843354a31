//! Repeated requests: the content with the next key, the connection and the provider.

use crate::endpoints::{CHAT, ENDPOINTS, KEYS, recorded};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Framing, RawClient, ReceivedRequest, Script, ScriptedProvider, Step};

#[tokio::test]
async fn the_next_key_gets_the_same_request_except_for_the_credential() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[2] => Script::json(200, "{}"),
        _ => Script::json(403, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    // A body that is edited, one that is forwarded unchanged, and a large one.
    let large = format!(r#"{{"model":"m","pad":"{}"}}"#, "x".repeat(3_000_000));
    let bodies = [r#"{ "stream":true, "stream_options":{"x":1} }"#, r#"{"model" :"m"}"#, &large];
    for target in ["/openai/v1/chat/completions?a=1", "/openai/v1/responses", "/openai/v1/conversations"] {
        for body in bodies {
            let before = provider.received().len();
            RawClient::post(gateway.address, target, &[("X-Mine", "1"), ("Accept", "*/*")], body).await;
            let received = &provider.received()[before..];
            assert_eq!(received.len(), 3, "{target} {body:.40}");
            let without_key = |request: &ReceivedRequest| {
                let head = String::from_utf8_lossy(&request.raw_head).into_owned();
                (head.replace(request.bearer().unwrap(), "KEY"), request.body.clone())
            };
            assert!(received.iter().all(|request| without_key(request) == without_key(&received[0])));
        }
    }
}

#[tokio::test]
async fn equal_requests_give_equal_upstream_requests() {
    for endpoint in &ENDPOINTS {
        let provider = ScriptedProvider::start(|_| endpoint.good_response()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        // Without `stream_options`, which the gateway adds to a chat stream.
        let body = endpoint.body.replace(r#","stream_options":{"include_usage":true}"#, "");
        for _ in 0..2 {
            RawClient::post(gateway.address, endpoint.target, &[("Accept", "*/*")], &body).await;
        }
        let received = provider.received();
        assert_eq!(received[0].raw_head, received[1].raw_head, "{}", endpoint.name);
        assert_eq!(received[0].body, received[1].body, "{}", endpoint.name);
    }
}

#[tokio::test]
async fn the_connection_of_a_discarded_response_is_reused() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        // The refusal is incomplete when it is discarded.
        Some(key) if key == KEYS[0] => Script::head(403, Framing::Chunked)
            .then(Step::OneByteAtATime("{\"error\":{}}".into()))
            .then(Step::End),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    for _ in 0..10 {
        assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200);
    }
    assert_eq!(provider.received().len(), 20);
    assert!(provider.connections() <= 4, "{} connections for 20 requests", provider.connections());
}

#[tokio::test]
async fn an_endless_refusal_is_abandoned_and_the_request_fails_over() {
    let endless = "x".repeat(100_000);
    let provider = ScriptedProvider::start(move |request| match request.bearer() {
        Some(key) if key == KEYS[0] => {
            Script::head(429, Framing::Chunked).chunk(endless.clone()).then(Step::Stall)
        }
        Some(key) if key == KEYS[1] => Script::head(429, Framing::ContentLength(10)).then(Step::Stall),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200);
    assert!(provider.wait_closed(0).await.by_peer, "the draining has a limit in bytes");
    assert!(provider.wait_closed(1).await.by_peer, "and in time");
}

#[tokio::test]
async fn providers_of_one_type_do_not_share_keys() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => Script::json(429, "{}"),
        _ => Script::json(200, "{}"),
    })
    .await;
    let elsewhere = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let named = |name: &str, provider: &ScriptedProvider, keys: &[&str]| {
        provider_settings(&provider.base_url(), keys).replace("type", &format!("name = \"{name}\"\ntype"))
    };
    let settings = [
        named("openai", &provider, &KEYS[..1]),
        named("openai-2", &provider, &KEYS[..2]),
        named("elsewhere", &elsewhere, &KEYS[..1]),
        named("own", &elsewhere, &[]),
    ];
    let gateway = Harness::start(&settings.concat()).await;
    let own = [("Authorization", "Bearer sk-own-0123456789abcdef")];
    for (name, at, tried, status) in [
        ("openai", &provider, &KEYS[..1], 429),
        ("openai-2", &provider, &KEYS[..2], 200), // the same key, but another pool
        ("elsewhere", &elsewhere, &KEYS[..1], 200),
        ("own", &elsewhere, &["sk-own-0123456789abcdef"], 200),
        ("openai", &provider, &[], 429),
        ("openai-2", &provider, &KEYS[1..2], 200),
    ] {
        let before = at.received().len();
        let target = format!("/{name}/v1/responses");
        let response = RawClient::post(gateway.address, &target, &own, "{}").await;
        let received = &at.received()[before..];
        let keys: Vec<_> = received.iter().filter_map(ReceivedRequest::bearer).collect();
        assert_eq!((response.status(), keys.as_slice()), (status, tried), "{name}");
        let row = recorded(&gateway, &response);
        assert_eq!((&row["provider_name"], &row["provider"]), (&name.into(), &"openai".into()));
    }
}
