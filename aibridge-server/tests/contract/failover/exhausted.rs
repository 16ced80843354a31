//! Requests when no key is left: the response that the client gets, and its `Retry-After`.

use crate::endpoints::{CHAT, ENDPOINTS, HINTS, KEYS, PASSTHROUGH, recorded};
use crate::harness::Harness;
use aibridge_testkit::{ReceivedRequest, Script, ScriptedProvider};
use serde_json::json;
use std::time::Duration;

/// A provider that responds to each key by `response`, and a gateway with the first `keys` keys.
async fn with_keys(
    keys: usize,
    response: impl Fn(&ReceivedRequest, usize) -> Script + Send + Sync + 'static,
) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(move |request| {
        let index = KEYS.iter().position(|key| request.bearer() == Some(key)).unwrap();
        response(request, index)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..keys]).await;
    (provider, gateway)
}

fn rate_limit(seconds: u32) -> Script {
    Script::json(429, "{}").header("Retry-After", &seconds.to_string())
}

fn rejection() -> Script {
    Script::json(401, r#"{"error":{"code":"invalid_api_key"}}"#)
}

#[tokio::test]
async fn rate_limited_keys_are_not_used_and_the_client_gets_retry_after() {
    let (provider, gateway) = with_keys(2, |_, index| rate_limit([90, 120][index])).await;
    PASSTHROUGH.call(&gateway, &[]).await; // names no model, so that the limit concerns the whole key
    gateway.advance(Duration::from_millis(30_500));
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!(response.status(), 429, "{}", endpoint.name);
        assert_eq!(response.header("retry-after"), Some("60"), "{}: 59.5 s, rounded up", endpoint.name);
        assert_eq!(response.header("content-type"), Some("application/json"), "{}", endpoint.name);
        assert_eq!(
            response.json(),
            json!({"error": {
                "message": "all configured keys are rate-limited",
                "type": "rate_limit_error", "param": null, "code": "rate_limit_exceeded",
            }}),
            "{}",
            endpoint.name
        );
        if endpoint.is_recorded {
            let row = recorded(&gateway, &response);
            assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"keys_exhausted".into()));
            assert_eq!((&row["credential_hint"], &row["upstream_status"]), (&"".into(), &json!(null)));
        }
    }
    assert_eq!(provider.received().len(), 2, "a cooling key is not used");
}

#[tokio::test]
async fn rejected_keys_are_not_used_and_not_echoed() {
    let (provider, gateway) = with_keys(2, |request, _| {
        let message = request.bearer().unwrap();
        Script::json(401, format!(r#"{{"error":{{"message":"{message}","code":"invalid_api_key"}}}}"#))
    })
    .await;
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!((response.status(), response.header("retry-after")), (502, None), "{}", endpoint.name);
        assert_eq!(
            response.json(),
            json!({"error": {
                "message": "all configured keys were rejected by the provider",
                "type": "api_error", "param": null, "code": "server_error",
            }}),
            "{}",
            endpoint.name
        );
    }
    assert_eq!(provider.received().len(), 2, "a cooling key is not used");
}

#[tokio::test]
async fn retry_after_is_the_earliest_end_of_a_cooldown() {
    let (_provider, gateway) = with_keys(3, |_, index| match index {
        0 => rate_limit(90),
        1 => rejection(),
        _ => rate_limit(300),
    })
    .await;
    assert_eq!(CHAT.call(&gateway, &[]).await.header("retry-after"), Some("300"), "the provider's");
    assert_eq!(CHAT.call(&gateway, &[]).await.header("retry-after"), Some("60"), "the rejected key's");
    gateway.advance(Duration::from_secs(59));
    assert_eq!(CHAT.call(&gateway, &[]).await.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_403_is_relayed_while_another_key_cools() {
    let (provider, gateway) = with_keys(2, |_, index| match index {
        0 => rate_limit(90),
        _ => Script::json(403, "{\"error\":\"not this model\"}"),
    })
    .await;
    assert_eq!(PASSTHROUGH.call(&gateway, &[]).await.status(), 429, "a rate limit tells more");
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!((response.status(), response.header("retry-after")), (403, None), "{}", endpoint.name);
        assert_eq!(response.text(), "{\"error\":\"not this model\"}", "{}", endpoint.name);
        if endpoint.is_recorded {
            assert_eq!(recorded(&gateway, &response)["credential_hint"], HINTS[1], "{}", endpoint.name);
        }
    }
    assert_eq!(provider.received().len(), 2 + ENDPOINTS.len(), "only the key with the 403 is used again");
    gateway.advance(Duration::from_secs(90));
    CHAT.call(&gateway, &[]).await;
    assert_eq!(provider.received()[2 + ENDPOINTS.len()].bearer(), Some(KEYS[0]), "the first again");
}

#[tokio::test]
async fn a_429_without_retry_after_gets_the_shortest_cooldown() {
    let too_large = r#"{"error":{"message":"Request too large for m","code":"rate_limit_exceeded"}}"#;
    let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
    // The responses to the two keys, and the `Retry-After` of the client.
    let table = [
        (["{}", "{}"], Some("60")),
        (["{}", too_large], Some("60")),
        ([too_large, too_large], None), // nothing cools, and waiting does not help
        ([quota, "{}"], Some("60")),
        (["{\"error\":{\"code\":\"invalid_api_key\"}}", too_large], Some("60")),
    ];
    for (bodies, expected) in table {
        let (_provider, gateway) = with_keys(2, move |_, index| {
            let status = if bodies[index].contains("invalid_api_key") { 401 } else { 429 };
            Script::json(status, bodies[index])
        })
        .await;
        let response = CHAT.call(&gateway, &[]).await;
        let actual = (response.status(), response.text(), response.header("retry-after"));
        assert_eq!(actual, (429, bodies[1], expected), "{bodies:?}");
    }
}

#[tokio::test]
async fn keys_without_credit_count_for_retry_after() {
    let (provider, gateway) = with_keys(2, |_, index| match index {
        0 => Script::json(402, "{}"),
        _ => rejection(),
    })
    .await;
    assert_eq!(CHAT.call(&gateway, &[]).await.status(), 402);
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!(
            (response.status(), response.header("retry-after")),
            (429, Some("60")),
            "{}",
            endpoint.name
        );
        assert_eq!(response.header("x-aibridge-error"), Some("rate_limit_exceeded"), "{}", endpoint.name);
    }
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test]
async fn a_rejected_key_beside_cooling_keys_is_no_client_error() {
    for (first, status, retry_after) in [(rate_limit(90), 429, Some("60")), (rejection(), 502, None)] {
        let (_provider, gateway) = with_keys(2, move |request, index| match (index, request.number) {
            (0, _) => first.clone(),
            (_, 1) => Script::json(200, "{}"),
            _ => rejection(),
        })
        .await;
        assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200, "the first key cools now");
        let response = CHAT.call(&gateway, &[]).await;
        assert_eq!((response.status(), response.header("retry-after")), (status, retry_after));
        let row = recorded(&gateway, &response);
        assert_eq!(
            (&row["error_type"], &row["credential_hint"]),
            (&"keys_exhausted".into(), &HINTS[1].into())
        );
    }
}

#[tokio::test]
async fn without_a_rate_limit_a_403_beside_cooling_keys_is_relayed() {
    let (_provider, gateway) = with_keys(2, |_, index| match index {
        0 => rejection(),
        _ => Script::json(403, "{\"error\":\"not this model\"}"),
    })
    .await;
    for endpoint in ENDPOINTS.iter().chain(&ENDPOINTS) {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!(
            (response.status(), response.header("x-aibridge-error")),
            (403, None),
            "{}",
            endpoint.name
        );
        assert_eq!(response.text(), "{\"error\":\"not this model\"}", "{}", endpoint.name);
    }
}
