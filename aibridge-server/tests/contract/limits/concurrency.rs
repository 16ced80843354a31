//! `max_concurrent_requests`.

use super::*;

#[tokio::test]
async fn what_is_beyond_the_limit_is_refused_until_something_ends() {
    let gate = Gate::new();
    let provider = provider_that_waits(&gate).await;
    let gateway = limited("max_concurrent_requests = 5", &provider).await;
    let mut open = Vec::new();
    for way in &WAYS {
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", way.target, &[], way.body.as_bytes())).await;
        open.push(client);
    }
    gate.reached(5).await;
    let (rows, calls) = (recorded(&gateway), provider.received().len());
    for way in &WAYS {
        assert_overloaded(&way.ask(&gateway, &[]).await, 5, way.name);
    }
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), 200, "{target} is never limited");
    }
    for (target, code) in [("/openai/v1/nothing", "unknown_route"), ("/openai/v1/models/..", "invalid_path")]
    {
        let answer = RawClient::get(gateway.address, target).await;
        assert_eq!(answer.header("x-aibridge-error"), Some(code), "{target}");
    }
    assert_eq!((recorded(&gateway), provider.received().len()), (rows, calls), "the refused reach nobody");

    gate.open();
    for (way, client) in WAYS.iter().zip(&mut open) {
        assert_eq!(client.head().await.status, 200, "{}", way.name);
        assert_eq!(client.rest().await.0, way.answer, "{}", way.name);
        assert_eq!(way.ask(&gateway, &[]).await.status(), 200, "{}: there is room again", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_answer_whole_finds_its_place_free() {
    let provider = good_provider().await;
    let gateway = limited("max_concurrent_requests = 1", &provider).await;
    let mut kept = RawClient::connect(gateway.address).await;
    for _ in 0..20 {
        for way in &WAYS {
            let bytes = request("POST", way.target, &[], way.body.as_bytes());
            assert_eq!(kept.ask(&bytes).await.status(), 200, "{} on the same connection", way.name);
            assert_eq!(way.ask(&gateway, &[]).await.status(), 200, "{} on another", way.name);
        }
    }
}

#[tokio::test]
async fn a_request_is_refused_before_its_body_is_read() {
    let gate = Gate::new();
    let provider = provider_that_waits(&gate).await;
    let table = [
        ("max_concurrent_requests = 1", 503, "overloaded"),
        ("requests_per_minute = 1", 429, "rate_limit_exceeded"),
    ];
    for (number, (limits, status, code)) in table.into_iter().enumerate() {
        let gateway = limited(limits, &provider).await;
        let _first = CHAT.send(gateway.address, true).await;
        gate.reached(number + 1).await;
        for way in &WAYS {
            let mut client = RawClient::connect(gateway.address).await;
            let headers = [("Expect", "100-continue"), ("Content-Length", "99")];
            client.send(&request("POST", way.target, &headers, b"")).await;
            let head = client.head().await;
            assert_eq!((head.status, head.header("x-aibridge-error")), (status, Some(code)), "{}", way.name);
        }
    }
}

#[tokio::test]
async fn who_may_not_come_in_is_told_that_first() {
    let gate = Gate::new();
    let provider = provider_that_waits(&gate).await;
    let settings =
        format!("[auth]\nmode = \"tokens\"\n{}", settings("max_concurrent_requests = 1", &provider));
    let gateway = Harness::start(&settings).await;
    let token = token_of(&gateway, "ann");
    let token = [("X-AIBridge-Token", token.as_str())];
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT.target, &token, CHAT.blocking.as_bytes())).await;
    gate.reached(1).await;
    for way in &WAYS {
        assert_eq!(way.ask(&gateway, &[]).await.header("x-aibridge-error"), Some("invalid_gateway_token"));
        assert_overloaded(&way.ask(&gateway, &token).await, 1, way.name);
    }
}
