//! The table of refusals in the contract, row by row.

use super::{INVALID, RESPONSES, assert_own, assert_untouched};
use crate::endpoints::{CHAT, KEYS, OWN_BEARER};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};

/// One row of the table of refusals in the contract.
struct Row {
    when: &'static str,
    /// Settings before those of the provider, which has one key, or none if `byok_only`.
    settings: &'static str,
    byok_only: bool,
    request: (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str),
    status: u16,
    kind: &'static str,
    code: &'static str,
    /// A part of the message.
    named: &'static str,
    allow: Option<&'static str>,
}

impl Row {
    const INVALID: Self = Self {
        when: "",
        settings: "",
        byok_only: false,
        request: ("POST", CHAT.target, &[], "{}"),
        status: 400,
        kind: INVALID,
        code: "",
        named: "",
        allow: None,
    };
}

const ROWS: [Row; 16] = [
    Row {
        when: "not a JSON object",
        request: ("POST", CHAT.target, &[], "[1]"),
        code: "invalid_json",
        named: "object",
        ..Row::INVALID
    },
    Row {
        when: "bad path",
        request: ("GET", "/openai/v1/models/%2e%2e/files", &[], ""),
        code: "invalid_path",
        named: "/openai/v1/models/%2e%2e/files",
        ..Row::INVALID
    },
    Row {
        when: "no gateway token",
        settings: "[auth]\nmode = \"tokens\"",
        status: 401,
        kind: "authentication_error",
        code: "invalid_gateway_token",
        named: "X-AIBridge-Token",
        ..Row::INVALID
    },
    Row {
        when: "bad gateway token",
        settings: "[auth]\nmode = \"tokens\"",
        request: ("POST", CHAT.target, &[("Authorization", "Bearer aib_unknown")], "{}"),
        status: 401,
        kind: "authentication_error",
        code: "invalid_gateway_token",
        named: "unknown, expired or revoked",
        ..Row::INVALID
    },
    Row {
        when: "no keys and no BYOK credential",
        byok_only: true,
        status: 401,
        kind: "authentication_error",
        code: "no_credential",
        named: "openai",
        ..Row::INVALID
    },
    Row {
        when: "BYOK not allowed",
        settings: "[auth]\nbyok = false",
        byok_only: true,
        request: ("POST", CHAT.target, &[("Authorization", OWN_BEARER)], "{}"),
        status: 403,
        kind: "permission_error",
        code: "byok_disabled",
        ..Row::INVALID
    },
    Row {
        when: "unknown route",
        request: ("PUT", "/openai/v1/moderations", &[], "{}"),
        status: 404,
        code: "unknown_route",
        named: "PUT /openai/v1/moderations",
        ..Row::INVALID
    },
    Row {
        when: "unknown provider",
        request: ("POST", "/nobody/v1/responses", &[], "{}"),
        status: 404,
        code: "unknown_route",
        named: "POST /nobody/v1/responses",
        ..Row::INVALID
    },
    Row {
        when: "wrong method",
        request: ("DELETE", CHAT.target, &[], ""),
        status: 405,
        code: "method_not_allowed",
        named: "DELETE",
        allow: Some("POST"),
        ..Row::INVALID
    },
    Row {
        when: "a method that is about the connection",
        request: ("TRACE", "/openai/v1/models", &[], ""),
        status: 405,
        code: "method_not_allowed",
        named: "TRACE",
        allow: Some("GET, HEAD"),
        ..Row::INVALID
    },
    Row {
        when: "WebSocket upgrade",
        request: (
            "GET",
            RESPONSES,
            &[
                ("Connection", "keep-alive, Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
            ],
            "",
        ),
        status: 426,
        code: "websocket_unsupported",
        named: "HTTP",
        ..Row::INVALID
    },
    Row {
        when: "body too large",
        settings: "[server]\nmax_body_bytes = 10",
        request: ("POST", RESPONSES, &[], "{\"a\": 12345}"),
        status: 413,
        code: "request_too_large",
        named: "10 bytes",
        ..Row::INVALID
    },
    Row {
        when: "unknown content encoding",
        request: ("POST", RESPONSES, &[("Content-Encoding", "deflate")], "{}"),
        status: 415,
        code: "unsupported_encoding",
        named: "deflate",
        ..Row::INVALID
    },
    Row {
        when: "broken content encoding",
        request: ("POST", RESPONSES, &[("Content-Encoding", "zstd")], "{}"),
        code: "invalid_encoding",
        named: "zstd",
        ..Row::INVALID
    },
    Row {
        when: "background responses",
        request: ("POST", RESPONSES, &[], "{\"background\" : true}"),
        status: 501,
        code: "background_unsupported",
        named: "background",
        ..Row::INVALID
    },
    Row {
        when: "background responses, streamed",
        request: ("POST", RESPONSES, &[], "{\"stream\":true,\"background\":true}"),
        status: 501,
        code: "background_unsupported",
        ..Row::INVALID
    },
];

#[tokio::test]
async fn every_refusal_names_the_problem_and_reaches_no_provider() {
    for row in &ROWS {
        let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
        let keys = if row.byok_only { &KEYS[..0] } else { &KEYS[..1] };
        let settings = format!("{}\n{}", row.settings, provider_settings(&provider.base_url(), keys));
        let gateway = Harness::start(&settings).await;
        let (method, target, headers, body) = row.request;
        let mut client = RawClient::connect(gateway.address).await;

        let response = client.call(&request(method, target, headers, body.as_bytes())).await;

        let message = assert_own(&response, row.status, row.kind, row.code, row.when);
        assert!(message.contains(row.named), "{}: {message}", row.when);
        assert_eq!(response.header("allow"), row.allow, "{}", row.when);
        assert_eq!(response.header("upgrade").is_some(), row.status == 426, "{}", row.when);
        assert_eq!(response.header("retry-after"), None, "{}", row.when);
        assert_eq!(response.header("x-aibridge-interception-id"), None, "{}", row.when);
        assert_untouched(&provider, &gateway);

        // The request was read to its end, so the connection is reusable.
        let connection = (row.status == 426).then_some("upgrade");
        assert_eq!(response.header("connection"), connection, "{}", row.when);
        let again = client.call(&request("POST", "/nobody/v1/responses", &[], b"{}")).await;
        assert_eq!(again.status(), 404, "{}", row.when);
    }
}
