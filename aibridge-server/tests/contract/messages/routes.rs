//! The routes of the Anthropic API, and the headers that are forwarded.

use super::{COUNT_TOKENS, KEYS, OWN_KEY, REQUEST, TARGET, WHOLE, call, settings, with_keys};
use crate::auth::tokens_of;
use crate::harness::{Harness, status_and_code};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};
use secrecy::ExposeSecret;

#[tokio::test]
async fn a_message_is_relayed_byte_for_byte_with_the_key_of_the_pool() {
    let script = Script::json(200, WHOLE)
        .header("anthropic-organization-id", "org")
        .header("Anthropic-Workspace-Id", "ws")
        .header("request-id", "req_1");
    let (provider, gateway) = with_keys(&KEYS, script).await;
    let headers = [
        ("x-api-key", OWN_KEY),
        ("Authorization", "Bearer other"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "a-2025-01-01,b-2025-02-02"),
        ("Anthropic_Organization_Id", "mine"),
        ("anthropic-workspace-id", "mine"),
    ];
    let target = format!("{TARGET}?beta=true");
    let response = RawClient::post(gateway.address, &target, &headers, REQUEST).await;
    assert_eq!((response.status(), response.text()), (200, WHOLE));
    assert_eq!(response.header("request-id"), Some("req_1"));
    assert_eq!(
        (response.header("anthropic-organization-id"), response.header("anthropic-workspace-id")),
        (None, None)
    );
    let received = &provider.received()[0];
    assert_eq!(
        (received.target.as_str(), &received.body[..]),
        ("/v1/messages?beta=true", REQUEST.as_bytes())
    );
    assert_eq!(received.header_values("x-api-key"), [KEYS[0]]);
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(received.header("anthropic-beta"), Some("a-2025-01-01,b-2025-02-02"));
    for name in ["anthropic-organization-id", "anthropic_organization_id", "anthropic-workspace-id"] {
        assert_eq!(received.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_clients_own_key_is_forwarded_in_its_original_header() {
    let script = Script::json(200, WHOLE).header("anthropic-organization-id", "org");
    let (provider, gateway) = with_keys(&[], script).await;
    let table: &[(&[(&str, &str)], (&str, &str))] = &[
        (&[("x-api-key", OWN_KEY)], ("x-api-key", OWN_KEY)),
        (
            &[("Authorization", "Bearer oauth-token-of-a-user")],
            ("authorization", "Bearer oauth-token-of-a-user"),
        ),
        (&[("x-api-key", OWN_KEY), ("Authorization", "Bearer oauth-token")], ("x-api-key", OWN_KEY)),
        (
            &[("x-api-key", ""), ("Authorization", "Bearer oauth-token")],
            ("authorization", "Bearer oauth-token"),
        ),
    ];
    for (number, (headers, (name, value))) in table.iter().enumerate() {
        let headers = [headers, &[("anthropic-workspace-id", "mine")][..]].concat();
        let response = RawClient::post(gateway.address, TARGET, &headers, REQUEST).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        assert_eq!(response.header("anthropic-organization-id"), Some("org"), "{headers:?}");
        let received = &provider.received()[number];
        assert_eq!(received.header_values(name), [*value], "{headers:?}");
        let other = if *name == "x-api-key" { "authorization" } else { "x-api-key" };
        assert_eq!(received.header(other), None, "{headers:?}");
        assert_eq!(received.header("anthropic-workspace-id"), Some("mine"));
    }
    let rows = gateway.store.rows("aibridge_interceptions");
    assert!(rows.iter().all(|row| row["credential_kind"] == "byok" && row["provider"] == "anthropic"));
    assert_eq!(rows[0]["credential_hint"], "sk-a...-key");
}

#[tokio::test]
async fn an_access_token_is_accepted_in_both_headers_of_claude_code() {
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let text = format!("[auth]\nmode = \"tokens\"\n{}", settings(&provider, &KEYS));
    let gateway = Harness::start(&text).await;
    let (_, token) = tokens_of(&gateway).create("ann", None).unwrap();
    let token = token.expose_secret();
    let bearer = format!("Bearer {token}");
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("Authorization", &bearer)], KEYS[0]),
        (&[("x-api-key", token)], KEYS[0]),
        (&[("Authorization", &bearer), ("x-api-key", OWN_KEY)], KEYS[0]),
        (&[("X-AIBridge-Token", token), ("x-api-key", OWN_KEY)], OWN_KEY),
    ];
    for (number, (headers, key)) in table.iter().enumerate() {
        let response = RawClient::post(gateway.address, TARGET, headers, REQUEST).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        let received = &provider.received()[number];
        assert_eq!(received.header_values("x-api-key"), [*key], "{headers:?}");
        assert!(received.headers.iter().all(|(_, value)| !value.contains("aib_")), "{headers:?}");
    }
}

#[tokio::test]
async fn probes_and_telemetry_of_claude_code_need_neither_token_nor_provider() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let text = format!("[auth]\nmode = \"tokens\"\n{}", settings(&provider, &KEYS));
    let gateway = Harness::start(&text).await;
    for path in ["/anthropic", "/anthropic/", "/anthropic/api/hello"] {
        for method in ["HEAD", "GET"] {
            let response = call(&gateway, method, path, &[]).await;
            assert_eq!((response.status(), response.body.len()), (204, 0), "{method} {path}");
        }
        let response = call(&gateway, "DELETE", path, &[]).await;
        assert_eq!(status_and_code(&response), (405, Some("method_not_allowed")), "{path}");
        assert_eq!(response.header("allow"), Some("GET, HEAD"), "{path}");
    }
    let body = "x".repeat(100_000);
    for path in ["/anthropic/api/event_logging/batch", "/anthropic/api/event_logging/v2/x?y=1"] {
        let response = RawClient::post(gateway.address, path, &[("x-api-key", OWN_KEY)], &body).await;
        assert_eq!((response.status(), response.body.len()), (204, 0), "{path}");
    }
    for path in [
        "/anthropic/api",
        "/anthropic/api/event_logging",
        "/anthropic/api/hello/",
        "/anthropicx",
        "/anthropicx/",
    ] {
        assert_eq!(call(&gateway, "GET", path, &[]).await.status(), 404, "{path}");
    }
    assert!(provider.received().is_empty());
    assert!(gateway.store.rows("aibridge_interceptions").is_empty());
}

#[tokio::test]
async fn tokens_are_counted_and_models_listed_without_a_record() {
    let (provider, gateway) = with_keys(&KEYS, Script::json(200, r#"{"input_tokens":3}"#)).await;
    let response = RawClient::post(gateway.address, COUNT_TOKENS, &[], REQUEST).await;
    assert_eq!((response.status(), response.text()), (200, r#"{"input_tokens":3}"#));
    for (method, target) in [
        ("GET", "/anthropic/v1/models?limit=1000"),
        ("HEAD", "/anthropic/v1/models"),
        ("GET", "/anthropic/v1/models/claude-x"),
        ("GET", "/anthropic/v1/models/a%2Fb"),
    ] {
        assert_eq!(call(&gateway, method, target, &[]).await.status(), 200, "{method} {target}");
    }
    let targets: Vec<_> = provider.received().iter().map(|request| request.target.clone()).collect();
    assert_eq!(
        targets,
        [
            "/v1/messages/count_tokens",
            "/v1/models?limit=1000",
            "/v1/models",
            "/v1/models/claude-x",
            "/v1/models/a%2Fb"
        ]
    );
    assert!(provider.received().iter().all(|request| request.header("x-api-key") == Some(KEYS[0])));
    assert!(gateway.store.rows("aibridge_interceptions").is_empty());
    for (method, target, allow) in [
        ("GET", TARGET, "POST"),
        ("GET", COUNT_TOKENS, "POST"),
        ("POST", "/anthropic/v1/models", "GET, HEAD"),
        ("DELETE", "/anthropic/v1/models/claude-x", "GET, HEAD"),
    ] {
        let response = call(&gateway, method, target, &[]).await;
        assert_eq!((response.status(), response.header("allow")), (405, Some(allow)), "{method} {target}");
    }
    for target in [
        "/anthropic/v1/messages/",
        "/anthropic/v1/Messages",
        "/anthropic/v1/messages/batches",
        "/anthropic/v1/messages/count_tokens/",
        "/anthropic/v1/complete",
        "/anthropic/v1/chat/completions",
    ] {
        let response = RawClient::post(gateway.address, target, &[], REQUEST).await;
        assert_eq!(status_and_code(&response), (404, Some("unknown_route")), "{target}");
    }
    assert_eq!(provider.received().len(), 5);
}

#[tokio::test]
async fn counting_tokens_is_never_limited() {
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let limits = "[limits]\nrequests_per_minute = 1\nmax_concurrent_requests = 1\n";
    let gateway = Harness::start(&format!("{limits}{}", settings(&provider, &KEYS))).await;
    let status = async |target| RawClient::post(gateway.address, target, &[], REQUEST).await.status();
    assert_eq!((status(TARGET).await, status(TARGET).await), (200, 429));
    for _ in 0..3 {
        assert_eq!(status(COUNT_TOKENS).await, 200);
    }
}
