//! Metrics of key pools and circuit breakers.

use super::Scraped;
use crate::endpoints::{CHAT, ENDPOINTS, KEYS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};
use std::time::Duration;

fn pool(metric: &str, label: &str, value: &str) -> String {
    let labels = if label < "provider" {
        format!(r#"{label}="{value}",provider="openai""#)
    } else {
        format!(r#"provider="openai",{label}="{value}""#)
    };
    format!("aibridge_key_pool_{metric}{{{labels}}}")
}

/// The series of keys in a state: for a model, or for the whole key if `model` is empty.
fn state(model: &str, state: &str) -> String {
    format!(r#"aibridge_key_pool_state{{model="{model}",provider="openai",state="{state}"}}"#)
}

#[tokio::test]
async fn cooldowns_and_recoveries_are_counted() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => Script::json(429, "{}").header("Retry-After", "20"),
        Some(key) if key == KEYS[1] => Script::json(401, "{}"),
        _ => Script::json(200, ENDPOINTS[0].response),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200);
    let attempts = r#"aibridge_key_pool_failover_attempts_sum{provider="openai"}"#;
    Scraped::of(&gateway).await.check(&[
        (&state("", "valid"), 2.0),
        (&state("", "cooling"), 1.0),
        (&state("m", "valid"), 1.0),
        (&state("m", "cooling"), 2.0),
        (&pool("state_transitions_total", "reason", "rate_limited"), 1.0),
        (&pool("state_transitions_total", "reason", "unauthorized"), 1.0),
        (&pool("state_transitions_total", "reason", "recovered"), 0.0),
        (attempts, 3.0),
    ]);
    gateway.advance(Duration::from_secs(20));
    Scraped::of(&gateway).await.check(&[
        (&state("", "cooling"), 1.0),
        (&pool("state_transitions_total", "reason", "recovered"), 1.0),
        (&pool("state_transitions_total", "reason", "rate_limited"), 1.0),
    ]);
    gateway.advance(Duration::from_secs(40));
    Scraped::of(&gateway).await.check(&[(&state("", "cooling"), 0.0), (&state("", "valid"), 3.0)]);
}

#[tokio::test]
async fn cooling_models_have_a_bounded_number_of_series() {
    let provider = ScriptedProvider::start(|_| Script::json(429, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    for model in 0..70 {
        let body = CHAT.body.replace("\"m\"", &format!("\"m-{model}\""));
        RawClient::post(gateway.address, CHAT.target, &[], body).await;
    }
    // Up to 64 models of a key cool separately; the next one cools the whole key.
    let scraped = Scraped::of(&gateway).await;
    scraped.check(&[
        (&state("", "cooling"), 2.0),
        (&state("m-0", "cooling"), 2.0),
        (&state("m-0", "valid"), 0.0),
        (&pool("state_transitions_total", "reason", "rate_limited"), 130.0),
    ]);
}

#[tokio::test]
async fn exhausted_pools_are_counted_by_reason_on_every_endpoint() {
    let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
    let too_large = r#"{"error":{"message":"Request too large for m"}}"#;
    let bad_key = r#"{"error":{"code":"invalid_api_key"}}"#;
    // The keys that all five endpoints try: a rate limit concerns the model of four of them.
    for (status, body, outcome, tries) in [
        (429, "{}", "rate_limited", 4.0),
        (429, quota, "quota", 2.0),
        (429, too_large, "too_large", 10.0),
        (402, "{}", "quota", 2.0),
        (401, "{}", "rejected", 10.0),
        (401, bad_key, "rejected", 2.0),
        (403, "{}", "forbidden", 10.0),
    ] {
        let provider = ScriptedProvider::start(move |_| Script::json(status, body)).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        for endpoint in &ENDPOINTS {
            endpoint.call(&gateway, &[]).await;
        }
        // Keys without credit count as rate-limited.
        let first = if outcome == "quota" { 1.0 } else { 5.0 };
        Scraped::of(&gateway).await.check(&[
            (&pool("exhaustions_total", "outcome", outcome), first),
            (r#"aibridge_key_pool_failover_attempts_sum{provider="openai"}"#, tries),
            (r#"aibridge_key_pool_failover_attempts_count{provider="openai"}"#, 5.0),
        ]);
    }
}

#[tokio::test]
async fn circuit_state_and_trips_are_exposed() {
    let provider = ScriptedProvider::start(|_| Script::json(500, "{}")).await;
    let settings = format!(
        "{}[provider.circuit_breaker]\nfailure_threshold = 1\n",
        provider_settings(&provider.base_url(), &KEYS[..1])
    );
    let gateway = Harness::start(&settings).await;
    for status in [500, 503, 503] {
        assert_eq!(CHAT.call(&gateway, &[]).await.status(), status);
    }
    let series = |name: &str| {
        format!(r#"aibridge_circuit_breaker_{name}{{model="m",provider="openai",route="/chat/completions"}}"#)
    };
    Scraped::of(&gateway).await.check(&[
        (&series("state"), 1.0),
        (&series("trips_total"), 1.0),
        (&series("rejects_total"), 2.0),
    ]);
    gateway.advance(Duration::from_secs(30));
    Scraped::of(&gateway).await.check(&[(&series("state"), 0.5), (&series("trips_total"), 1.0)]);
    assert_eq!(CHAT.call(&gateway, &[]).await.status(), 500, "a trial");
    Scraped::of(&gateway).await.check(&[(&series("state"), 1.0), (&series("trips_total"), 2.0)]);
}
