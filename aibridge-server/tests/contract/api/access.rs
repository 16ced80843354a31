//! Access to `/api/v1/`.

use super::document::documented_paths;
use crate::harness::{Harness, PROXIED, provider_settings, status_and_code};
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{RawClient, Response, request};
use secrecy::ExposeSecret;
use std::net::SocketAddr;

const DOCUMENT: &str = "/api/v1/openapi.json";

async fn start(settings: &str) -> Harness {
    let provider = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    Harness::start(&format!("{settings}\n{provider}")).await
}

async fn call(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    RawClient::connect(address).await.call(&request(method, path, headers, b"")).await
}

/// A documented path with an unknown id.
pub(super) fn with_unknown_id(path: &str) -> String {
    let id = "01890000-0000-7000-8000-000000000000";
    path.replace("{id}", id).replace("{item}", id).replace("{kind}", "prompts")
}

/// The paths that require access to the records of everyone, with an unknown id.
fn guarded_paths() -> Vec<String> {
    let is_guarded =
        |path: &String| path != DOCUMENT && path != "/api/v1/status" && !path.starts_with("/api/v1/me");
    documented_paths().into_iter().filter(is_guarded).map(|path| with_unknown_id(&path)).collect()
}

/// The response to a request with access.
fn expected_response(path: &str) -> (u16, Option<&'static str>) {
    if path.contains("01890000") { (404, Some("unknown_interception")) } else { (200, None) }
}

#[tokio::test]
async fn only_admin_tokens_grant_access() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let options = Options::new(gateway.store.path());
    let tokens = Tokens::open(&options).unwrap();
    let (row, admin) = tokens.create_admin("ann", None).unwrap();
    let user = tokens.create("bob", None).unwrap().1;
    let bearer = format!("Bearer {}", admin.expose_secret());
    let user_bearer = format!("Bearer {}", user.expose_secret());
    let none = Some("invalid_gateway_token");
    let table: [(&[(&str, &str)], Option<(u16, Option<&str>)>); 7] = [
        (&[("Authorization", &bearer)], None),
        (&[("X-AIBridge-Token", admin.expose_secret())], None),
        (&[("X-AIBridge-Token", admin.expose_secret()), PROXIED[0]], None),
        (&[("Authorization", &user_bearer)], Some((403, Some("admin_only")))),
        (
            &[("X-AIBridge-Token", user.expose_secret()), ("Authorization", &bearer)],
            Some((403, Some("admin_only"))),
        ),
        (&[("Authorization", "Bearer aib_unknown")], Some((401, none))),
        (&[], Some((401, none))), // although it comes from the loopback address
    ];
    for path in guarded_paths() {
        for (headers, refused) in &table {
            let response = call(gateway.address, "GET", &path, headers).await;
            assert_eq!(
                status_and_code(&response),
                refused.unwrap_or(expected_response(&path)),
                "{path} {headers:?}"
            );
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path} {headers:?}");
        }
    }
    let response =
        call(gateway.address, "GET", &guarded_paths()[0], &[("Authorization", &user_bearer)]).await;
    assert_eq!(response.json()["error"]["type"], "permission_error");
    assert_eq!(
        status_and_code(&call(gateway.address, "GET", DOCUMENT, &[]).await),
        (200, None),
        "it says nothing of ours"
    );

    tokens.revoke(row.id).unwrap();
    let path = "/api/v1/keys";
    let is_refused =
        async || call(gateway.address, "GET", path, &[("Authorization", &bearer)]).await.status() == 401;
    aibridge_testkit::poll_until(is_refused, "a revoked admin token to be refused").await;
}

#[tokio::test]
async fn without_tokens_only_direct_loopback_requests_have_access() {
    let gateway = start("").await;
    for path in guarded_paths() {
        assert_eq!(
            status_and_code(&call(gateway.address, "GET", &path, &[]).await),
            expected_response(&path),
            "{path}"
        );
        for header in PROXIED {
            let response = call(gateway.address, "GET", &path, &[header]).await;
            assert_eq!(status_and_code(&response), (403, Some("admin_only")), "{path} {header:?}");
        }
    }
}

#[tokio::test]
async fn the_admin_listener_replaces_the_client_listener_and_requires_a_token() {
    let gateway = start("[auth]\nmode = \"tokens\"\n[admin]\nlisten = \"127.0.0.1:0\"").await;
    let options = Options::new(gateway.store.path());
    let admin = Tokens::open(&options).unwrap().create_admin("ann", None).unwrap().1;
    let token = [("X-AIBridge-Token", admin.expose_secret())];
    for path in guarded_paths() {
        let by_client = call(gateway.address, "GET", &path, &token).await;
        assert_eq!(status_and_code(&by_client), (404, Some("unknown_route")), "{path}");
        let operators = gateway.admin.unwrap();
        assert_eq!(
            status_and_code(&call(operators, "GET", &path, &token).await),
            expected_response(&path),
            "{path}"
        );
        let nobody = call(operators, "GET", &path, &[]).await;
        assert_eq!(status_and_code(&nobody), (401, Some("invalid_gateway_token")), "{path}");
    }
}

#[tokio::test]
async fn a_body_has_to_be_a_json_object() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let tokens = Tokens::open(&Options::new(gateway.store.path())).unwrap();
    let admin = tokens.create_admin("ann", None).unwrap().1;
    let bearer = format!("Bearer {}", admin.expose_secret());
    for (path, body) in [
        ("/api/v1/tokens", "[]"),
        ("/api/v1/tokens", r#" ["mallory",null,[],true]"#),
        ("/api/v1/tokens", r#""mallory""#),
        ("/api/v1/tokens", ""),
        ("/api/v1/keys/revive", r#"["openai",1,"s...4"]"#),
    ] {
        let response = RawClient::post(gateway.address, path, &[("Authorization", &bearer)], body).await;
        assert_eq!(status_and_code(&response), (400, Some("invalid_json")), "{path} {body}");
        let text = response.text();
        assert!(text.contains("not a JSON object") && !text.contains("struct"), "{text}");
    }
    assert_eq!(tokens.list().unwrap().len(), 1);
}

#[tokio::test]
async fn only_reading_methods_are_allowed() {
    let gateway = start("").await;
    for path in guarded_paths().iter().map(String::as_str).chain([DOCUMENT]) {
        let expected = if path == DOCUMENT { (200, None) } else { expected_response(path) };
        let (full, head) = (call(gateway.address, "GET", path, &[]).await, "HEAD");
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request(head, path, &[("Connection", "close")], b"")).await;
        let head = client.head().await;
        assert_eq!((status_and_code(&full), head.status), (expected, expected.0), "{path}");
        assert_eq!(head.header("content-length"), full.header("content-length"), "{path}");
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            if path == "/api/v1/tokens" {
                continue; // see `matrix`
            }
            let response = call(gateway.address, method, path, &[]).await;
            assert_eq!(status_and_code(&response), (405, Some("method_not_allowed")), "{method} {path}");
            assert_eq!(response.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    for path in ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/usage/", "/api/v2/usage"]
    {
        assert_eq!(
            status_and_code(&call(gateway.address, "GET", path, &[]).await),
            (404, Some("unknown_route")),
            "{path}"
        );
    }
}
