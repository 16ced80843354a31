//! The dashboard: its files, its log-in and the headers of every response.

use crate::harness::{Harness, provider_settings, status_and_code};
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{RawClient, Response, request};
use secrecy::{ExposeSecret, SecretString};
use std::net::SocketAddr;

const SAME: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

async fn start(settings: &str) -> Harness {
    let provider = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    Harness::start(&format!("{settings}\n{provider}")).await
}

fn admin_token(gateway: &Harness) -> SecretString {
    let options = Options::new(gateway.store.path());
    Tokens::open(&options).unwrap().create_admin("ann", None).unwrap().1
}

async fn call(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    RawClient::connect(address).await.call(&request(method, path, headers, b"")).await
}

async fn log_in(address: SocketAddr, token: &str, headers: &[(&str, &str)]) -> Response {
    RawClient::post(address, "/dashboard/login", headers, format!("{{\"token\":\"{token}\"}}")).await
}

fn assert_secured(response: &Response, path: &str) {
    let policy = response.header("content-security-policy");
    assert_eq!(
        policy,
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "{path}"
    );
    let names = [
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
    ];
    let values = names.map(|name| response.header(name).unwrap());
    assert_eq!(values, ["nosniff", "no-referrer", "same-origin", "same-origin"], "{path}");
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let paths = [
        ("GET", "/dashboard", 200),
        ("GET", "/dashboard/sessions/x", 200),
        ("GET", "/dashboard/assets/app.js", 200),
        ("GET", "/dashboard/nothing", 404),
        ("GET", "/dashboard/?user=ann", 308),
        ("DELETE", "/dashboard/", 404),
        ("DELETE", "/dashboard", 405),
        ("POST", "/dashboard/login", 403),
        ("GET", "/dashboard/logout", 405),
        ("GET", "/api/v1/status", 401),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/openapi.json", 200),
    ];
    for (method, path, status) in paths {
        let response = call(gateway.address, method, path, &[]).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_secured(&response, path);
        let is_file = status == 200 && path.starts_with("/dashboard");
        let caching = if is_file { "no-cache" } else { "no-store" };
        assert_eq!(response.header("cache-control"), Some(caching), "{path}");
    }
    for path in ["/dashboard", "/dashboard/assets/app.js", "/api/v1", "/api/v1/status"] {
        for host in ["", "Host: a@localhost\r\n", "Host: a\r\nHost: b\r\n"] {
            let request = format!("GET {path} HTTP/1.1\r\n{host}\r\n");
            let response = RawClient::connect(gateway.address).await.call(request.as_bytes()).await;
            assert_eq!(response.status(), 400, "{path} {host}");
            assert_secured(&response, path);
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path} {host}");
        }
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let gateway = start("").await;
    let path = "/dashboard/assets/style.css";
    let first = call(gateway.address, "GET", path, &[]).await;
    let etag = first.header("etag").unwrap();
    let again = call(gateway.address, "GET", path, &[("If-None-Match", etag)]).await;
    assert_eq!((again.status(), again.body.len(), again.header("etag")), (304, 0, Some(etag)));
    let other = call(gateway.address, "GET", path, &[("If-None-Match", "\"other\"")]).await;
    assert_eq!((other.status(), &other.body), (200, &first.body));
}

#[tokio::test]
async fn a_log_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let token = admin_token(&gateway);
    let response = log_in(gateway.address, token.expose_secret(), &[SAME]).await;
    assert_eq!((response.status(), response.body.len()), (204, 0));
    let cookie = response.header("set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert!(!pair.contains("aib_"), "{pair}");
    let status = call(gateway.address, "GET", "/api/v1/status", &[("Cookie", pair)]).await;
    assert_eq!((status.status(), &status.json()["user"]), (200, &"ann".into()));

    let secure =
        log_in(gateway.address, token.expose_secret(), &[SAME, ("X-Forwarded-Proto", "https")]).await;
    let cookie = secure.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");

    let logged_out = call(gateway.address, "POST", "/dashboard/logout", &[SAME, ("Cookie", pair)]).await;
    assert_eq!(logged_out.status(), 204);
    assert!(logged_out.header("set-cookie").unwrap().ends_with("Max-Age=0"));
    let refused = call(gateway.address, "GET", "/api/v1/status", &[("Cookie", pair)]).await;
    assert_eq!(status_and_code(&refused), (401, Some("invalid_gateway_token")));
}

#[tokio::test]
async fn other_sites_neither_log_in_nor_log_out() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let token = admin_token(&gateway);
    let others: [&[(&str, &str)]; 4] = [
        &[],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", "http://evil.test")],
    ];
    for headers in others {
        let refused = log_in(gateway.address, token.expose_secret(), headers).await;
        assert_eq!(status_and_code(&refused), (403, Some("origin_not_allowed")), "{headers:?}");
        let refused = call(gateway.address, "POST", "/dashboard/logout", headers).await;
        assert_eq!(status_and_code(&refused), (403, Some("origin_not_allowed")), "{headers:?}");
    }
}

#[tokio::test]
async fn failed_log_ins_are_throttled() {
    let gateway = start("[auth]\nmode = \"tokens\"").await;
    let token = admin_token(&gateway);
    for body in ["aib_unknown", "", "sk-not-ours"] {
        let refused = log_in(gateway.address, body, &[SAME]).await;
        assert_eq!(status_and_code(&refused), (401, Some("invalid_gateway_token")), "{body}");
    }
    let refused = log_in(gateway.address, token.expose_secret(), &[SAME]).await;
    assert_eq!(status_and_code(&refused), (429, Some("too_many_logins")));
    assert_eq!(refused.header("retry-after"), Some("1"));
    gateway.advance(std::time::Duration::from_secs(1));
    assert_eq!(log_in(gateway.address, token.expose_secret(), &[SAME]).await.status(), 204);
}

#[tokio::test]
async fn without_tokens_the_host_and_origin_rules_apply() {
    let gateway = start("").await;
    for path in ["/dashboard", "/dashboard/assets/app.js", "/api/v1/status"] {
        assert_eq!(call(gateway.address, "GET", path, &[]).await.status(), 200, "{path}");
        let wrong = format!("GET {path} HTTP/1.1\r\nHost: evil.test\r\n\r\n");
        let refused = RawClient::connect(gateway.address).await.call(wrong.as_bytes()).await;
        assert_eq!(status_and_code(&refused), (403, Some("host_not_allowed")), "{path}");
        let refused = call(gateway.address, "GET", path, &[("Sec-Fetch-Site", "cross-site")]).await;
        assert_eq!(status_and_code(&refused), (403, Some("origin_not_allowed")), "{path}");
    }
}

#[tokio::test]
async fn the_admin_listener_has_the_page_and_the_client_listener_has_not() {
    let gateway = start("[admin]\nlisten = \"127.0.0.1:0\"").await;
    assert_eq!(call(gateway.address, "GET", "/dashboard", &[]).await.status(), 404);
    let operators = gateway.admin.unwrap();
    assert_eq!(call(operators, "GET", "/dashboard", &[]).await.status(), 200);
    let status = call(operators, "GET", "/api/v1/status", &[]).await.json();
    assert_eq!(status["client_url"], format!("http://{}", gateway.address));
}
