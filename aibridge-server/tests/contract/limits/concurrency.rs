//! `max_concurrent_requests`: refusals and the release of permits.

use super::*;

#[tokio::test]
async fn requests_over_the_limit_are_refused_until_one_ends() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let gateway = limited_gateway("max_concurrent_requests = 5", &provider).await;
    let mut open = Vec::new();
    for endpoint in &ENDPOINTS {
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", endpoint.target, &[], endpoint.body.as_bytes())).await;
        open.push(client);
    }
    gate.wait_reached(5).await;
    let (rows, calls) = (recorded(&gateway), provider.received().len());
    for endpoint in &ENDPOINTS {
        assert_overloaded(&endpoint.call(&gateway, &[]).await, 5, endpoint.name);
    }
    for target in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(RawClient::get(gateway.address, target).await.status(), 200, "{target} is never limited");
    }
    for (target, code) in [("/openai/v1/nothing", "unknown_route"), ("/openai/v1/models/..", "invalid_path")]
    {
        let response = RawClient::get(gateway.address, target).await;
        assert_eq!(response.header("x-aibridge-error"), Some(code), "{target}");
    }
    assert_eq!(
        (recorded(&gateway), provider.received().len()),
        (rows, calls),
        "refused requests reach no provider"
    );

    gate.open();
    for (endpoint, client) in ENDPOINTS.iter().zip(&mut open) {
        assert_eq!(client.head().await.status, 200, "{}", endpoint.name);
        assert_eq!(client.read_to_end().await.0, endpoint.response, "{}", endpoint.name);
        assert_eq!(
            endpoint.call(&gateway, &[]).await.status(),
            200,
            "{}: there is room again",
            endpoint.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permit_is_free_when_the_response_is_complete() {
    let provider = good_provider().await;
    let gateway = limited_gateway("max_concurrent_requests = 1", &provider).await;
    let mut reused = RawClient::connect(gateway.address).await;
    for _ in 0..20 {
        for endpoint in &ENDPOINTS {
            let bytes = request("POST", endpoint.target, &[], endpoint.body.as_bytes());
            assert_eq!(reused.call(&bytes).await.status(), 200, "{} on the same connection", endpoint.name);
            assert_eq!(endpoint.call(&gateway, &[]).await.status(), 200, "{} on another", endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_before_its_body_is_read() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let table = [
        ("max_concurrent_requests = 1", 503, "overloaded"),
        ("requests_per_minute = 1", 429, "rate_limit_exceeded"),
    ];
    for (number, (limits, status, code)) in table.into_iter().enumerate() {
        let gateway = limited_gateway(limits, &provider).await;
        let _first = CHAT.send(gateway.address, true).await;
        gate.wait_reached(number + 1).await;
        for endpoint in &ENDPOINTS {
            let mut client = RawClient::connect(gateway.address).await;
            let headers = [("Expect", "100-continue"), ("Content-Length", "99")];
            client.send(&request("POST", endpoint.target, &headers, b"")).await;
            let head = client.head().await;
            assert_eq!(
                (head.status, head.header("x-aibridge-error")),
                (status, Some(code)),
                "{}",
                endpoint.name
            );
        }
    }
}

#[tokio::test]
async fn authentication_is_checked_before_limits() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let settings =
        format!("[auth]\nmode = \"tokens\"\n{}", settings("max_concurrent_requests = 1", &provider));
    let gateway = Harness::start(&settings).await;
    let token = token_of(&gateway, "ann");
    let token = [("X-AIBridge-Token", token.as_str())];
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT.target, &token, CHAT.blocking.as_bytes())).await;
    gate.wait_reached(1).await;
    for endpoint in &ENDPOINTS {
        assert_eq!(
            endpoint.call(&gateway, &[]).await.header("x-aibridge-error"),
            Some("invalid_gateway_token")
        );
        assert_overloaded(&endpoint.call(&gateway, &token).await, 1, endpoint.name);
    }
}
