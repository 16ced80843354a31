//! How much clients may ask: what is beyond a limit is refused in the provider's words, and costs nothing.

use crate::auth::tokens_of;
use crate::dialects::{CHAT, DIALECTS, Dialect, KEY};
use crate::harness::{Harness, provider_settings};
use crate::ways::{WAYS, Way};
use aibridge_testkit::{Answer, Gate, RawClient, Received, Script, ScriptedProvider, Step, request};
use secrecy::ExposeSecret;
use std::time::Duration;

mod concurrency;
mod places;
mod rate;
mod reload;

/// A gateway with these limits, before a provider with one key.
async fn limited(limits: &str, provider: &ScriptedProvider) -> Harness {
    Harness::start(&settings(limits, provider)).await
}

fn settings(limits: &str, provider: &ScriptedProvider) -> String {
    format!("[limits]\n{limits}\n{}", provider_settings(&provider.base_url(), &[KEY]))
}

/// Everyone brings a key, so none cools.
fn without_keys(limits: &str, provider: &ScriptedProvider) -> String {
    format!("[limits]\n{limits}\n{}", provider_settings(&provider.base_url(), &[]))
}

/// Answers every way well.
async fn good_provider() -> ScriptedProvider {
    ScriptedProvider::start(|request| Way::of(request).good_answer()).await
}

/// Begins every answer, and goes on at the gate.
async fn provider_that_waits(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| {
        let mut script = Way::of(request).good_answer();
        script.steps.insert(1, Step::Await(gate.clone()));
        script
    })
    .await
}

/// The answer to a request that is one too many.
fn assert_overloaded(answer: &Answer, limit: u32, about: &str) {
    let body = format!(
        r#"{{"error":{{"message":"the gateway has {limit} requests in flight, which is its limit: try again in a second","type":"server_error","param":null,"code":"overloaded"}}}}"#
    );
    assert_eq!((answer.status(), answer.text()), (503, body.as_str()), "{about}");
    assert_eq!(answer.header("retry-after"), Some("1"), "{about}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(answer.header("x-aibridge-error"), Some("overloaded"), "{about}");
    assert_eq!(answer.header("x-aibridge-interception-id"), None, "{about}");
}

/// The value of `retry-after-ms`, of an answer that a limit of the gateway gave.
fn told_to_wait(answer: &Answer) -> Duration {
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (429, Some("rate_limit_exceeded")));
    Duration::from_millis(answer.header("retry-after-ms").unwrap().parse().unwrap())
}

/// A new gateway token of `user`.
fn token_of(gateway: &Harness, user: &str) -> String {
    tokens_of(gateway).create(user, None).unwrap().1.expose_secret().to_owned()
}

fn recorded(gateway: &Harness) -> usize {
    gateway.store.rows("aibridge_interceptions").len()
}
