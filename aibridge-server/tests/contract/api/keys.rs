//! `/api/v1/keys`: the state of provider keys.

use crate::endpoints::{CHAT, HINTS, KEYS, OWN_BEARER, PASSTHROUGH};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider, poll_until};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

async fn keys(address: SocketAddr) -> Vec<Value> {
    let mut response = RawClient::get(address, "/api/v1/keys").await.json();
    std::mem::take(response["data"].as_array_mut().unwrap())
}

fn counts(key: &Value) -> [u64; 5] {
    ["requests", "successes", "rate_limited", "rejected", "forbidden"].map(|name| key[name].as_u64().unwrap())
}

async fn chat(address: SocketAddr) -> u16 {
    RawClient::post(address, CHAT.target, &[], CHAT.body).await.status()
}

/// The first key is rate-limited, and the second one is forbidden.
fn by_key(authorization: &str) -> Script {
    match authorization {
        key if key.contains("first") => Script::json(429, "{}").header("Retry-After", "20"),
        key if key.contains("second") => Script::json(403, "{}"),
        _ => Script::json(200, CHAT.response),
    }
}

#[tokio::test]
async fn a_cooling_key_shows_its_reason_and_end() {
    let provider =
        ScriptedProvider::start(|received| by_key(received.header("authorization").unwrap())).await;
    let gateway = Harness::start(&provider_settings(&provider.base_url(), &KEYS)).await;
    let before = keys(gateway.address).await;
    assert_eq!(before.iter().map(|key| key["hint"].as_str().unwrap()).collect::<Vec<_>>(), HINTS);
    assert!(before.iter().all(|key| key["state"] == "valid" && counts(key) == [0; 5]), "{before:?}");

    assert_eq!(PASSTHROUGH.call(&gateway, &[]).await.status(), 200);
    let asked_at = jiff::Timestamp::now();
    let during = keys(gateway.address).await;
    let first = &during[0];
    assert_eq!((&first["provider"], &first["state"]), (&json!("openai"), &json!("cooling")));
    assert_eq!((&first["reason"], &first["remaining_seconds"]), (&json!("rate_limited"), &json!(20)));
    assert_eq!(first["models"], json!([]), "the whole key");
    let until: jiff::Timestamp = first["cooling_until"].as_str().unwrap().parse().unwrap();
    assert!(until.duration_since(asked_at).as_secs() >= 19, "{until} is 20 s after {asked_at}");
    assert_eq!(
        during.iter().map(counts).collect::<Vec<_>>(),
        [[1, 0, 1, 0, 0], [1, 0, 0, 0, 1], [1, 1, 0, 0, 0]]
    );
    for valid in &during[1..] {
        assert_eq!(valid["state"], "valid");
        let missing = ["reason", "cooling_until", "remaining_seconds"].map(|name| &valid[name]);
        assert_eq!(missing, [&Value::Null; 3]);
    }

    gateway.advance(Duration::from_millis(12_500));
    assert_eq!(keys(gateway.address).await[0]["remaining_seconds"], 8, "rounded up");
    gateway.advance(Duration::from_millis(7_500));
    let after = &keys(gateway.address).await[0];
    assert_eq!((&after["state"], &after["cooling_until"]), (&json!("valid"), &Value::Null));
    assert_eq!(counts(after), [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_key_lists_the_models_for_which_it_cools() {
    let provider =
        ScriptedProvider::start(|received| by_key(received.header("authorization").unwrap())).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for model in ["n", "m"] {
        let body = CHAT.body.replace("\"m\"", &format!("{model:?}"));
        assert_eq!(RawClient::post(gateway.address, CHAT.target, &[], body).await.status(), 200);
        gateway.advance(Duration::from_millis(7_500));
    }
    let actual = keys(gateway.address).await;
    let first = &actual[0];
    assert_eq!(
        (&first["state"], &first["reason"], counts(first)),
        (&json!("valid"), &Value::Null, [2, 0, 2, 0, 0])
    );
    let models: Vec<_> = first["models"].as_array().unwrap().iter().collect();
    let shown: Vec<_> = models.iter().map(|one| (&one["model"], &one["remaining_seconds"])).collect();
    assert_eq!(shown, [(&json!("m"), &json!(13)), (&json!("n"), &json!(5))], "rounded up");
    assert!(
        models.iter().all(|one| one["cooling_until"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok())
    );
    gateway.advance(Duration::from_millis(12_500));
    assert_eq!(keys(gateway.address).await[0]["models"], json!([]));
}

#[tokio::test]
async fn a_key_without_credit_shows_its_reason() {
    let provider = ScriptedProvider::start(|_| Script::json(402, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    assert_eq!(chat(gateway.address).await, 402);
    let actual = &keys(gateway.address).await[0];
    assert_eq!(
        (&actual["state"], &actual["reason"], &actual["quota"]),
        (&json!("cooling"), &json!("quota"), &json!(1))
    );
}

#[tokio::test]
async fn a_rejected_key_shows_its_reason_and_byok_requests_are_not_counted() {
    let body = r#"{"error":{"code":"invalid_api_key"}}"#;
    let provider = ScriptedProvider::start(move |_| Script::json(401, body)).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1])
        + &provider_settings(&provider.base_url(), &[]).replace("type", "name = \"own\"\ntype");
    let gateway = Harness::start(&settings).await;
    assert_eq!(chat(gateway.address).await, 502);
    let own = CHAT.target.replace("openai", "own");
    let response = RawClient::post(gateway.address, &own, &[("Authorization", OWN_BEARER)], CHAT.body).await;
    assert_eq!(response.status(), 401);
    let keys = keys(gateway.address).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!((&keys[0]["reason"], counts(&keys[0])), (&json!("rejected"), [1, 0, 0, 1, 0]));
}

#[tokio::test]
async fn after_a_reload_the_new_keys_are_listed() {
    let provider = ScriptedProvider::start(|_| Script::json(200, CHAT.response)).await;
    let settings = |keys: &[&str]| provider_settings(&provider.base_url(), keys);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings(&KEYS[..2]));
    let gateway = launch.start().await;
    assert_eq!(chat(gateway.address()).await, 200);

    let second = settings(&KEYS[2..]).replace("type", "name = \"second\"\ntype");
    std::fs::write(launch.config_path(), settings(&[KEYS[2], KEYS[0]]) + &second).unwrap();
    gateway.hang_up();
    let is_reloaded = async || keys(gateway.address()).await.len() == 3;
    poll_until(is_reloaded, "the new settings to be in force").await;
    let actual = keys(gateway.address()).await;
    let shown: Vec<_> =
        actual.iter().map(|key| (key["provider"].as_str().unwrap(), key["hint"].as_str().unwrap())).collect();
    assert_eq!(shown, [("openai", HINTS[2]), ("openai", HINTS[0]), ("second", HINTS[2])]);
    assert_eq!(
        actual.iter().map(|key| counts(key)[1]).collect::<Vec<_>>(),
        [0, 1, 0],
        "what stays is counted on"
    );
}
