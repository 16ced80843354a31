//! No key left: why, and when to come back.

use crate::harness::Harness;
use crate::ways::{CHAT, HINTS, KEYS, PASSTHROUGH, WAYS, recorded};
use aibridge_testkit::{Received, Script, ScriptedProvider};
use serde_json::json;
use std::time::Duration;

/// A provider that answers each key by `answer`, and a gateway with the first `keys` keys.
async fn with_keys(
    keys: usize,
    answer: impl Fn(&Received, usize) -> Script + Send + Sync + 'static,
) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(move |request| {
        let index = KEYS.iter().position(|key| request.bearer() == Some(key)).unwrap();
        answer(request, index)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..keys]).await;
    (provider, gateway)
}

fn rate_limited(seconds: u32) -> Script {
    Script::json(429, "{}").header("Retry-After", &seconds.to_string())
}

fn rejected() -> Script {
    Script::json(401, r#"{"error":{"code":"invalid_api_key"}}"#)
}

#[tokio::test]
async fn rate_limited_keys_are_left_alone_and_the_client_is_told_when_to_come_back() {
    let (provider, gateway) = with_keys(2, |_, index| rate_limited([90, 120][index])).await;
    PASSTHROUGH.ask(&gateway, &[]).await; // names no model, so the limit is about all
    gateway.advance(Duration::from_millis(30_500));
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!(answer.status(), 429, "{}", way.name);
        assert_eq!(answer.header("retry-after"), Some("60"), "{}: 59.5 s, rounded up", way.name);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", way.name);
        assert_eq!(
            answer.json(),
            json!({"error": {
                "message": "all configured keys are rate-limited",
                "type": "rate_limit_error", "param": null, "code": "rate_limit_exceeded",
            }}),
            "{}",
            way.name
        );
        if way.is_recorded {
            let row = recorded(&gateway, &answer);
            assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"keys_exhausted".into()));
            assert_eq!((&row["credential_hint"], &row["upstream_status"]), (&"".into(), &json!(null)));
        }
    }
    assert_eq!(provider.received().len(), 2, "a cooling key is not asked");
}

#[tokio::test]
async fn rejected_keys_are_left_alone_and_not_echoed() {
    let (provider, gateway) = with_keys(2, |request, _| {
        let message = request.bearer().unwrap();
        Script::json(401, format!(r#"{{"error":{{"message":"{message}","code":"invalid_api_key"}}}}"#))
    })
    .await;
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (502, None), "{}", way.name);
        assert_eq!(
            answer.json(),
            json!({"error": {
                "message": "all configured keys were rejected by the provider",
                "type": "api_error", "param": null, "code": "server_error",
            }}),
            "{}",
            way.name
        );
    }
    assert_eq!(provider.received().len(), 2, "a cooling key is not asked");
}

#[tokio::test]
async fn the_key_that_is_valid_soonest_says_when_whatever_it_cools_for() {
    let (_provider, gateway) = with_keys(3, |_, index| match index {
        0 => rate_limited(90),
        1 => rejected(),
        _ => rate_limited(300),
    })
    .await;
    assert_eq!(CHAT.ask(&gateway, &[]).await.header("retry-after"), Some("300"), "the provider's");
    assert_eq!(CHAT.ask(&gateway, &[]).await.header("retry-after"), Some("60"), "the rejected key's");
    gateway.advance(Duration::from_secs(59));
    assert_eq!(CHAT.ask(&gateway, &[]).await.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_403_of_this_request_is_relayed_though_another_key_cools() {
    let (provider, gateway) = with_keys(2, |_, index| match index {
        0 => rate_limited(90),
        _ => Script::json(403, "{\"error\":\"not this model\"}"),
    })
    .await;
    assert_eq!(PASSTHROUGH.ask(&gateway, &[]).await.status(), 429, "a rate limit tells more");
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (403, None), "{}", way.name);
        assert_eq!(answer.text(), "{\"error\":\"not this model\"}", "{}", way.name);
        if way.is_recorded {
            assert_eq!(recorded(&gateway, &answer)["credential_hint"], HINTS[1], "{}", way.name);
        }
    }
    assert_eq!(provider.received().len(), 2 + WAYS.len(), "only the 403's key is asked again");
    gateway.advance(Duration::from_secs(90));
    CHAT.ask(&gateway, &[]).await;
    assert_eq!(provider.received()[2 + WAYS.len()].bearer(), Some(KEYS[0]), "the first again");
}

#[tokio::test]
async fn a_429_without_a_time_gets_the_smallest_remaining_cooldown() {
    let too_large = r#"{"error":{"message":"Request too large for m","code":"rate_limit_exceeded"}}"#;
    let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
    // What the two keys are answered, and what the client is told to wait.
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
        let answer = CHAT.ask(&gateway, &[]).await;
        let seen = (answer.status(), answer.text(), answer.header("retry-after"));
        assert_eq!(seen, (429, bodies[1], expected), "{bodies:?}");
    }
}

#[tokio::test]
async fn keys_that_cool_for_lack_of_credit_are_waited_for() {
    let (provider, gateway) = with_keys(2, |_, index| match index {
        0 => Script::json(402, "{}"),
        _ => rejected(),
    })
    .await;
    assert_eq!(CHAT.ask(&gateway, &[]).await.status(), 402);
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("60")), "{}", way.name);
        assert_eq!(answer.header("x-aibridge-error"), Some("rate_limit_exceeded"), "{}", way.name);
    }
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test]
async fn a_key_rejected_by_name_beside_cooling_keys_is_not_the_clients_fault() {
    for (first, status, retry_after) in [(rate_limited(90), 429, Some("60")), (rejected(), 502, None)] {
        let (_provider, gateway) = with_keys(2, move |request, index| match (index, request.number) {
            (0, _) => first.clone(),
            (_, 1) => Script::json(200, "{}"),
            _ => rejected(),
        })
        .await;
        assert_eq!(CHAT.ask(&gateway, &[]).await.status(), 200, "the first key cools now");
        let answer = CHAT.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (status, retry_after));
        let row = recorded(&gateway, &answer);
        assert_eq!(
            (&row["error_type"], &row["credential_hint"]),
            (&"keys_exhausted".into(), &HINTS[1].into())
        );
    }
}

#[tokio::test]
async fn without_a_rate_limit_a_403_beside_cooling_keys_is_relayed() {
    let (_provider, gateway) = with_keys(2, |_, index| match index {
        0 => rejected(),
        _ => Script::json(403, "{\"error\":\"not this model\"}"),
    })
    .await;
    for way in WAYS.iter().chain(&WAYS) {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (403, None), "{}", way.name);
        assert_eq!(answer.text(), "{\"error\":\"not this model\"}", "{}", way.name);
    }
}
