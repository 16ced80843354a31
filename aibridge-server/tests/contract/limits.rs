//! Request limits: excess requests are refused in the form of a provider error.

use crate::auth::tokens_of;
use crate::dialects::{CHAT, Dialect, KEY, OPENAI_DIALECTS};
use crate::endpoints::{ENDPOINTS, Endpoint};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Gate, RawClient, ReceivedRequest, Response, Script, ScriptedProvider, Step, request};
use secrecy::ExposeSecret;
use std::time::Duration;

mod concurrency;
mod permits;
mod rate;
mod reload;

/// A gateway with these limits and a provider with one key.
async fn limited_gateway(limits: &str, provider: &ScriptedProvider) -> Harness {
    Harness::start(&settings(limits, provider)).await
}

fn settings(limits: &str, provider: &ScriptedProvider) -> String {
    format!("[limits]\n{limits}\n{}", provider_settings(&provider.base_url(), &[KEY]))
}

/// Settings without pool keys: every client sends a BYOK key, so that none cools.
fn without_keys(limits: &str, provider: &ScriptedProvider) -> String {
    format!("[limits]\n{limits}\n{}", provider_settings(&provider.base_url(), &[]))
}

/// A provider that responds well to every endpoint.
async fn good_provider() -> ScriptedProvider {
    ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await
}

/// A provider that begins every response and continues when the gate opens.
async fn gated_provider(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| Endpoint::of(request).good_response().wait_after(1, &gate)).await
}

/// Checks for the refusal of a request over the concurrency limit.
fn assert_overloaded(response: &Response, limit: u32, about: &str) {
    let body = format!(
        r#"{{"error":{{"message":"the gateway has {limit} requests in flight, which is its limit: try again in a second","type":"server_error","param":null,"code":"overloaded"}}}}"#
    );
    assert_eq!((response.status(), response.text()), (503, body.as_str()), "{about}");
    assert_eq!(response.header("retry-after"), Some("1"), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(response.header("x-aibridge-error"), Some("overloaded"), "{about}");
    assert_eq!(response.header("x-aibridge-interception-id"), None, "{about}");
}

/// The value of `retry-after-ms` of a refusal by a rate limit.
fn retry_delay(response: &Response) -> Duration {
    assert_eq!((response.status(), response.header("x-aibridge-error")), (429, Some("rate_limit_exceeded")));
    Duration::from_millis(response.header("retry-after-ms").unwrap().parse().unwrap())
}

/// Creates an access token for `user`.
fn token_of(gateway: &Harness, user: &str) -> String {
    tokens_of(gateway).create(user, None).unwrap().1.expose_secret().to_owned()
}

fn recorded(gateway: &Harness) -> usize {
    gateway.store.rows("aibridge_interceptions").len()
}
