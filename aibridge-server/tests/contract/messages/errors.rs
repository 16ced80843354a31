//! The errors of the gateway in the format of the Anthropic API.

use super::{KEYS, OWN_KEY, REQUEST, TARGET, call, settings, with_keys};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, RawClient, Response, Script, ScriptedProvider, Step, request};
use serde_json::{Value, json};

/// Checks the format of an error and returns its type and message.
fn error(response: &Response) -> (String, String) {
    let body = response.json();
    let (kind, message) = (&body["error"]["type"], &body["error"]["message"]);
    let id = &body["request_id"];
    assert_eq!(body, json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": id}));
    assert_eq!(response.header("request-id"), id.as_str());
    assert!(id.as_str().is_some_and(|id| id.len() == 36), "{id}");
    if let Some(interception) = response.header("x-aibridge-interception-id") {
        assert_eq!(id, interception);
    }
    assert_eq!(response.header("content-type"), Some("application/json"));
    (kind.as_str().unwrap().to_owned(), message.as_str().unwrap().to_owned())
}

/// The expected status, type, code, `x-should-retry` and whether there is a `retry-after`.
type Expected = (u16, &'static str, &'static str, Option<&'static str>, bool);

fn assert_error(response: &Response, expected: Expected, about: &str) {
    let (kind, _) = error(response);
    let code = response.header("x-aibridge-error").unwrap_or_default();
    let headers = (response.header("x-should-retry"), response.header("retry-after").is_some());
    assert_eq!((response.status(), kind.as_str(), code, headers.0, headers.1), expected, "{about}");
}

#[tokio::test]
async fn refusals_have_the_types_of_the_api() {
    let tokens = "[auth]\nmode = \"tokens\"\n";
    let with_body = |headers: &[(&str, &str)], body: &str| request("POST", TARGET, headers, body.as_bytes());
    let large = "x".repeat(5000);
    let two_hosts = format!(
        "POST {TARGET} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let table: Vec<(&str, &[&str], Vec<u8>, Expected)> = vec![
        // Refused by the listener, before a route is found.
        ("", &KEYS, two_hosts.into(), (400, "invalid_request_error", "invalid_header", None, false)),
        ("", &KEYS, with_body(&[], "[1]"), (400, "invalid_request_error", "invalid_json", None, false)),
        (
            "",
            &KEYS,
            with_body(&[("Content-Encoding", "pig")], "{}"),
            (415, "invalid_request_error", "unsupported_encoding", None, false),
        ),
        (
            "",
            &KEYS,
            with_body(&[("Content-Encoding", "gzip")], "{}"),
            (400, "invalid_request_error", "invalid_encoding", None, false),
        ),
        (
            "",
            &KEYS,
            request("PUT", TARGET, &[], b""),
            (405, "invalid_request_error", "method_not_allowed", None, false),
        ),
        (
            "",
            &KEYS,
            request("POST", "/anthropic/v1/other", &[], b""),
            (404, "not_found_error", "unknown_route", None, false),
        ),
        (
            "",
            &KEYS,
            request("GET", "/anthropic/v1/models/..", &[], b""),
            (400, "invalid_request_error", "invalid_path", None, false),
        ),
        (
            "[server]\nmax_body_bytes = 4096\n",
            &KEYS,
            with_body(&[], &large),
            (413, "request_too_large", "request_too_large", None, false),
        ),
        (
            tokens,
            &KEYS,
            with_body(&[], REQUEST),
            (401, "authentication_error", "invalid_gateway_token", Some("false"), false),
        ),
        (
            tokens,
            &KEYS,
            with_body(&[("x-api-key", "aib_unknown")], REQUEST),
            (401, "authentication_error", "invalid_gateway_token", Some("false"), false),
        ),
        (
            "",
            &[],
            with_body(&[], REQUEST),
            (401, "authentication_error", "no_credential", Some("false"), false),
        ),
        (
            "[auth]\nbyok = false\n",
            &[],
            with_body(&[("x-api-key", OWN_KEY)], REQUEST),
            (403, "permission_error", "byok_disabled", None, false),
        ),
        (
            "",
            &KEYS,
            with_body(&[("Origin", "https://evil.test")], REQUEST),
            (403, "permission_error", "origin_not_allowed", None, false),
        ),
    ];
    for (text, keys, bytes, expected) in table {
        let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
        let gateway = Harness::start(&format!("{text}{}", settings(&provider, keys))).await;
        let response = RawClient::connect(gateway.address).await.call(&bytes).await;
        assert_error(&response, expected, &String::from_utf8_lossy(&bytes));
        assert!(provider.received().is_empty());
    }
}

#[tokio::test]
async fn an_unknown_provider_has_errors_of_the_openai_api() {
    let (_provider, gateway) = with_keys(&KEYS, Script::json(200, "{}")).await;
    for path in ["/nobody/v1/messages", "/anthropicx/v1/messages", "/v1/messages"] {
        let body = call(&gateway, "POST", path, &[]).await.json();
        assert_eq!(
            (&body["error"]["type"], &body["error"]["code"]),
            (&json!("invalid_request_error"), &json!("unknown_route")),
            "{path}"
        );
        assert_eq!(body.get("type"), None, "{path}");
    }
}

#[tokio::test]
async fn refusals_of_limits_and_keys_have_retry_after() {
    let limits = "[limits]\nrequests_per_minute = 1\n";
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::start(&format!("{limits}{}", settings(&provider, &KEYS))).await;
    let post = async |gateway: &Harness| RawClient::post(gateway.address, TARGET, &[], REQUEST).await;
    post(&gateway).await;
    assert_error(
        &post(&gateway).await,
        (429, "rate_limit_error", "rate_limit_exceeded", None, true),
        "over a limit",
    );

    let limited = Script::json(429, "{}").header("Retry-After", "20");
    let (_provider, gateway) = with_keys(&KEYS, limited).await;
    post(&gateway).await;
    let response = post(&gateway).await;
    assert_error(&response, (429, "rate_limit_error", "rate_limit_exceeded", None, true), "keys are cooling");
    assert_eq!(response.header("retry-after"), Some("20"));

    let rejected =
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    let (_provider, gateway) = with_keys(&KEYS, Script::json(401, rejected)).await;
    let response = post(&gateway).await;
    assert_error(&response, (502, "api_error", "server_error", None, false), "keys are rejected");
    assert!(response.header("x-aibridge-interception-id").is_some());

    let (provider, _) = with_keys(&KEYS, Script::json(500, "{}")).await;
    let breaker = "[provider.circuit_breaker]\nfailure_threshold = 1\n";
    let gateway = Harness::start(&format!("{}{breaker}", settings(&provider, &KEYS))).await;
    post(&gateway).await;
    assert_error(
        &post(&gateway).await,
        (503, "overloaded_error", "service_unavailable", None, true),
        "open circuit",
    );
}

#[tokio::test]
async fn an_unreachable_or_silent_provider_has_errors_of_the_api() {
    let url = ScriptedProvider::unreachable_base_url().await;
    let text = format!("[[provider]]\ntype = \"anthropic\"\nbase_url = \"{url}\"\nkeys = [\"k\"]\n");
    let gateway = Harness::start(&text).await;
    let response = RawClient::post(gateway.address, TARGET, &[], REQUEST).await;
    assert_error(&response, (502, "api_error", "upstream_unreachable", None, false), "unreachable");
    let response = call(&gateway, "GET", "/anthropic/v1/models", &[]).await;
    assert_error(
        &response,
        (502, "api_error", "upstream_unreachable", None, false),
        "unreachable, passthrough",
    );

    let provider = ScriptedProvider::start(|_| Script::new().then(Step::Stall)).await;
    let gateway =
        Harness::start(&format!("{}response_timeout = \"300ms\"\n", settings(&provider, &KEYS))).await;
    let response = RawClient::post(gateway.address, TARGET, &[], REQUEST).await;
    assert_error(&response, (504, "timeout_error", "upstream_timeout", None, false), "silent");
}

#[tokio::test]
async fn a_lost_provider_is_an_error_event() {
    const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
    let script =
        Script::sse_head().chunk(START).chunk("event: ping\ndata: {\"type\": \"pi").then(Step::Reset);
    let (_provider, gateway) = with_keys(&KEYS, script).await;
    let body = REQUEST.replacen('{', "{\"stream\":true,", 1);
    let response = RawClient::post(gateway.address, TARGET, &[], body).await;
    let rest = response.text().strip_prefix(START).unwrap();
    let data = rest.strip_prefix("event: error\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let message = &data["error"]["message"];
    assert_eq!(data, json!({"type": "error", "error": {"type": "api_error", "message": message}}));
    assert_eq!(response.end, BodyEnd::Clean);
    let row = gateway.store.rows("aibridge_interceptions").remove(0);
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"stream_error".into()));
    let usage = gateway.store.rows("aibridge_token_usages").remove(0);
    assert_eq!(usage["input_tokens"], 9, "what was read is recorded");
}
