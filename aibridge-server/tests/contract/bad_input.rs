//! Invalid requests are refused with a clear error and reach no provider.

use crate::endpoints::{CHAT, KEYS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Response, Script, ScriptedProvider, Step, request};
use serde_json::Value;

mod encodings;
mod framing;
mod incomplete;
mod json;
mod odd_json;
mod paths;
mod table;
mod too_large;

const RESPONSES: &str = "/openai/v1/responses";
const INVALID: &str = "invalid_request_error";

/// A provider that responds with 200, and a gateway with one key.
async fn gateway() -> (ScriptedProvider, Harness) {
    with_settings("").await
}

/// Like [`gateway`], with `settings` before those of the provider.
async fn with_settings(settings: &str) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), &KEYS[..1]));
    (provider, Harness::start(&settings).await)
}

/// Checks for an error of the gateway in the exact form of a provider error. Returns its message.
fn assert_own(response: &Response, status: u16, kind: &str, code: &str, about: &str) -> String {
    assert_eq!((response.status(), response.header("x-aibridge-error")), (status, Some(code)), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    let body = response.json();
    let message = body["error"]["message"].as_str().unwrap_or_default().to_owned();
    let expected =
        serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    assert_eq!(body, expected, "{about}");
    assert!(!message.is_empty(), "{about}");
    message
}

/// Checks that no request was sent or recorded.
fn assert_untouched(provider: &ScriptedProvider, gateway: &Harness) {
    assert!(provider.received().is_empty(), "{:?}", provider.received());
    assert_eq!(gateway.store.rows("aibridge_interceptions"), Vec::new());
}

#[tokio::test]
async fn provider_failures_have_their_own_status_and_code() {
    let table = [
        ("unreachable", Script::new().then(Step::Reset), 502, "upstream_unreachable"),
        ("too slow", Script::new().then(Step::Stall), 504, "upstream_timeout"),
    ];
    for (when, script, status, code) in table {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let settings = provider_settings(&provider.base_url(), &KEYS[..1]) + "response_timeout = \"100ms\"\n";
        let gateway = Harness::start(&settings).await;
        for target in [CHAT.target, RESPONSES, "/openai/v1/responses/compact", "/openai/v1/conversations"] {
            let response = RawClient::post(gateway.address, target, &[], "{}").await;
            assert_own(&response, status, "api_error", code, when);
            let id = response.header("x-aibridge-interception-id");
            assert_eq!(id.is_some(), target != "/openai/v1/conversations", "{when} {target}");
            let row = id.map(|id| gateway.store.interception(id).unwrap());
            assert!(row.is_none_or(|row| row["error_type"] == code && row["upstream_status"] == Value::Null));
        }
    }
}

#[tokio::test]
async fn a_refused_head_request_gets_no_body() {
    let (provider, gateway) = gateway().await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("HEAD", RESPONSES, &[], b"")).await;
    let head = client.head().await;
    assert_eq!((head.status, head.header("allow")), (405, Some("POST")));
    // The next bytes are the head of the next response, not a body.
    client.send(&request("GET", "/openai/v1/nothing", &[], b"")).await;
    assert_eq!(client.head().await.status, 404);
    assert_untouched(&provider, &gateway);
}
