//! The effect of Anthropic's responses on the keys of the pool.

use super::{COUNT_TOKENS, KEYS, REQUEST, TARGET, WHOLE, settings};
use crate::harness::{Harness, status_and_code};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};
use serde_json::{Value, json};

/// A gateway with two keys. The provider responds with `first` to the first one.
async fn refusing(status: u16, first: Value) -> (ScriptedProvider, Harness) {
    let provider =
        ScriptedProvider::start(move |request| match request.header("x-api-key") == Some(KEYS[0]) {
            true => Script::json(status, first.to_string()),
            false => Script::json(200, WHOLE),
        })
        .await;
    let gateway = Harness::start(&settings(&provider, &KEYS)).await;
    (provider, gateway)
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

/// The keys that the provider received for two requests to `target`.
async fn keys_of_two_requests(target: &str, status: u16, first: Value) -> Vec<String> {
    let (provider, gateway) = refusing(status, first).await;
    for _ in 0..2 {
        let response = RawClient::post(gateway.address, target, &[], REQUEST).await;
        assert_eq!(response.status(), 200, "{target}");
    }
    let key = |key: &str| if key == KEYS[0] { "first" } else { "second" }.to_owned();
    provider.received().iter().map(|request| key(request.header("x-api-key").unwrap())).collect()
}

#[tokio::test]
async fn responses_that_concern_the_key_cool_it() {
    for (status, answer) in [
        (401, error("authentication_error", "invalid x-api-key")),
        (401, error("authentication_error", "This API key has expired")),
        (429, error("rate_limit_error", "This request would exceed your rate limit")),
        (
            429,
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "x",
                "details": {"error_code": "enforced_spend_limit_reached"}}}),
        ),
        (402, error("billing_error", "no credit")),
        (429, error("billing_error", "no credit")),
    ] {
        let keys = keys_of_two_requests(TARGET, status, answer.clone()).await;
        assert_eq!(keys, ["first", "second", "second"], "{status} {answer}");
    }
}

#[tokio::test]
async fn responses_that_concern_the_request_cool_no_key() {
    for (status, answer) in [
        (403, error("permission_error", "no access to this model")),
        (429, error("rate_limit_error", "Extra usage is required for long context requests.")),
    ] {
        let keys = keys_of_two_requests(TARGET, status, answer.clone()).await;
        assert_eq!(keys, ["first", "second", "first", "second"], "{status} {answer}");
    }
}

#[tokio::test]
async fn a_rate_limit_of_counting_tokens_cools_nothing() {
    let answer = error("rate_limit_error", "too many");
    let keys = keys_of_two_requests(COUNT_TOKENS, 429, answer).await;
    assert_eq!(keys, ["first", "second", "first", "second"]);
    let rejected = error("authentication_error", "invalid x-api-key");
    assert_eq!(keys_of_two_requests(COUNT_TOKENS, 401, rejected).await, ["first", "second", "second"]);
}

#[tokio::test]
async fn an_error_of_the_provider_is_relayed_unchanged() {
    for status in [400, 404, 413, 500, 529] {
        let answer = error("some_error", "prompt is too long: 9 tokens > 8 maximum").to_string();
        let script = Script::json(status, answer.clone())
            .header("x-should-retry", "true")
            .header("request-id", "req_1");
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::start(&settings(&provider, &KEYS)).await;
        let response = RawClient::post(gateway.address, TARGET, &[], REQUEST).await;
        assert_eq!((response.status(), response.text()), (status, answer.as_str()));
        assert_eq!(status_and_code(&response).1, None);
        assert_eq!(
            (response.header("x-should-retry"), response.header("request-id")),
            (Some("true"), Some("req_1"))
        );
        let row = gateway.store.rows("aibridge_interceptions").remove(0);
        assert_eq!((&row["outcome"], &row["upstream_status"]), (&"failed".into(), &status.into()));
    }
}

#[tokio::test]
async fn an_overloaded_provider_opens_the_circuit() {
    let provider =
        ScriptedProvider::start(|_| Script::json(529, error("overloaded_error", "x").to_string())).await;
    let breaker = "[provider.circuit_breaker]\nfailure_threshold = 2\n";
    let gateway = Harness::start(&format!("{}{breaker}", settings(&provider, &KEYS))).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(RawClient::post(gateway.address, TARGET, &[], REQUEST).await.status());
    }
    assert_eq!(statuses, [529, 529, 503]);
}
