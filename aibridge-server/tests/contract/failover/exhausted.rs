//! No key left: why, and when to come back.

use crate::harness::Harness;
use crate::ways::{CHAT, HINTS, KEYS, WAYS, recorded};
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

#[tokio::test]
async fn rate_limited_keys_are_left_alone_and_the_client_is_told_when_to_come_back() {
    let (provider, gateway) = with_keys(2, |_, index| rate_limited([90, 120][index])).await;
    CHAT.ask(&gateway, &[]).await;
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
    let (provider, gateway) =
        with_keys(2, |request, _| Script::json(401, format!("{{\"k\":{:?}}}", request.bearer()))).await;
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
        1 => Script::json(401, "{}"),
        _ => rate_limited(300),
    })
    .await;
    assert_eq!(CHAT.ask(&gateway, &[]).await.header("retry-after"), Some("60"), "the rejected key's");
    gateway.advance(Duration::from_secs(59));
    assert_eq!(CHAT.ask(&gateway, &[]).await.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_rate_limit_of_an_earlier_request_counts_more_than_a_403_of_this_one() {
    let (provider, gateway) = with_keys(2, |_, index| match index {
        0 => rate_limited(90),
        _ => Script::json(403, "{}"),
    })
    .await;
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!(answer.header("x-aibridge-error"), Some("rate_limit_exceeded"), "{}", way.name);
        assert_eq!(answer.header("retry-after"), Some("90"), "{}", way.name);
        if way.is_recorded {
            assert_eq!(recorded(&gateway, &answer)["credential_hint"], HINTS[1], "{}", way.name);
        }
    }
    assert_eq!(provider.received().len(), 1 + WAYS.len(), "only the 403's key is asked again");
    gateway.advance(Duration::from_secs(90));
    CHAT.ask(&gateway, &[]).await;
    assert_eq!(provider.received()[1 + WAYS.len()].bearer(), Some(KEYS[0]), "the first again");
}

#[tokio::test]
async fn without_a_rate_limit_a_403_beside_cooling_keys_is_relayed() {
    let (_provider, gateway) = with_keys(2, |_, index| match index {
        0 => Script::json(401, "{}"),
        _ => Script::json(403, "{\"error\":\"not this model\"}"),
    })
    .await;
    for way in WAYS.iter().chain(&WAYS) {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (403, None), "{}", way.name);
        assert_eq!(answer.text(), "{\"error\":\"not this model\"}", "{}", way.name);
    }
}
