//! The access of anonymous callers, users and admins to every documented path and method.

use super::access::with_unknown_id;
use crate::harness::{Harness, provider_settings, status_and_code};
use aibridge_api::document::Document;
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{RawClient, Response, request};
use secrecy::{ExposeSecret, SecretString};
use std::net::SocketAddr;
use utoipa::OpenApi;

/// Every documented path and method. A test of `aibridge-api` compares the document with the served paths and methods.
fn operations() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (path, item) in Document::openapi().paths.paths {
        let methods = [
            ("GET", item.get),
            ("PUT", item.put),
            ("POST", item.post),
            ("DELETE", item.delete),
            ("PATCH", item.patch),
        ];
        let methods = methods.into_iter().filter(|(_, operation)| operation.is_some());
        all.extend(methods.map(|(method, _)| (method, path.clone())));
    }
    all
}

struct Users {
    gateway: Harness,
    admin: SecretString,
    user: SecretString,
}

impl Users {
    async fn start() -> Self {
        let provider = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
        let gateway = Harness::start(&format!("[auth]\nmode = \"tokens\"\n{provider}")).await;
        let options = Options::new(gateway.store.path());
        let tokens = Tokens::open(&options).unwrap();
        let admin = tokens.create_admin("ann", None).unwrap().1;
        let user = tokens.create("bob", None).unwrap().1;
        Self { gateway, admin, user }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address
    }

    /// Logs in, and returns the cookie.
    async fn cookie(&self, token: &SecretString) -> String {
        let body = format!("{{\"token\":\"{}\"}}", token.expose_secret());
        let same = [("Sec-Fetch-Site", "same-origin")];
        let response = RawClient::post(self.address(), "/dashboard/login", &same, body).await;
        assert_eq!(response.status(), 204, "{}", response.text());
        let cookie = response.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

async fn call(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let body: &[u8] = if method == "POST" { b"{}" } else { b"" };
    RawClient::connect(address).await.call(&request(method, path, headers, body)).await
}

/// The status for a request with access: no operation finds anything, and the body of a change is incomplete.
fn granted(method: &str, path: &str) -> (u16, Option<&'static str>) {
    match (method, path) {
        ("GET", path) if path.contains("{id}") => (404, Some("unknown_interception")),
        ("GET", _) => (200, None),
        ("DELETE", _) => (404, Some("unknown_token")),
        _ => (400, Some("invalid_json")),
    }
}

#[tokio::test]
async fn each_role_may_use_its_endpoints_only() {
    let users = Users::start().await;
    let bearer = |token: &SecretString| format!("Bearer {}", token.expose_secret());
    let (admin, user) = (bearer(&users.admin), bearer(&users.user));
    let cookies = [users.cookie(&users.admin).await, users.cookie(&users.user).await];
    let unauthenticated = (401, Some("invalid_gateway_token"));
    let admin_only = (403, Some("admin_only"));
    for (method, path) in operations() {
        let is_public = path == "/api/v1/openapi.json";
        let is_for_users = is_public || path == "/api/v1/status" || path.starts_with("/api/v1/me");
        let granted = granted(method, &path);
        let as_user = if is_for_users { granted } else { admin_only };
        let target = with_unknown_id(&path);
        let same = ("Sec-Fetch-Site", "same-origin");
        let table: [(&[(&str, &str)], _); 6] = [
            (&[], if is_public { granted } else { unauthenticated }),
            (&[("Authorization", &user)], as_user),
            (&[("Authorization", &admin)], granted),
            (&[("Cookie", &cookies[1]), same], as_user),
            (&[("Cookie", &cookies[0]), same], granted),
            (
                &[("Cookie", "aibridge-session=unknown"), same],
                if is_public { granted } else { unauthenticated },
            ),
        ];
        for (headers, expected) in table {
            let response = call(users.address(), method, &target, headers).await;
            assert_eq!(status_and_code(&response), expected, "{method} {path} {headers:?}");
        }
        if method != "GET" {
            let others: [&[(&str, &str)]; 4] = [
                &[],
                &[("Sec-Fetch-Site", "cross-site")],
                &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost")],
                &[("Origin", "http://evil.test")],
            ];
            for other in others {
                let headers = [&[("Cookie", cookies[0].as_str())], other].concat();
                let response = call(users.address(), method, &target, &headers).await;
                let expected = (403, Some("origin_not_allowed"));
                assert_eq!(status_and_code(&response), expected, "{method} {path} {headers:?}");
            }
            let matching = [("Cookie", cookies[0].as_str()), ("Origin", "http://localhost")];
            let response = call(users.address(), method, &target, &matching).await;
            assert_eq!(status_and_code(&response), granted, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn without_tokens_no_page_of_another_origin_changes_anything() {
    let provider = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    let gateway = Harness::start(&provider).await;
    for (method, path) in operations().into_iter().filter(|(method, _)| *method != "GET") {
        let target = with_unknown_id(&path);
        let refused: [&[(&str, &str)]; 4] = [
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:3000")],
            &[("Origin", "http://localhost:3000")],
            &[("X-Forwarded-For", "192.0.2.1")],
        ];
        for headers in refused {
            let response = call(gateway.address, method, &target, headers).await;
            assert_eq!(response.status(), 403, "{method} {path} {headers:?}");
        }
        let admitted: [&[(&str, &str)]; 3] =
            [&[], &[("Sec-Fetch-Site", "same-origin")], &[("Origin", "http://localhost")]];
        for headers in admitted {
            let response = call(gateway.address, method, &target, headers).await;
            assert_eq!(status_and_code(&response), granted(method, &path), "{method} {path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_when_its_token_is_revoked() {
    let users = Users::start().await;
    let cookie = users.cookie(&users.admin).await;
    let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
    let listed = call(users.address(), "GET", "/api/v1/tokens", &headers).await.json();
    let tokens = listed["data"].as_array().unwrap();
    let own = tokens.iter().find(|token| token["user"] == "ann").unwrap()["id"].as_str().unwrap();
    let revoked = call(users.address(), "DELETE", &format!("/api/v1/tokens/{own}"), &headers).await;
    assert_eq!(revoked.status(), 200, "{}", revoked.text());
    let is_refused = async || call(users.address(), "GET", "/api/v1/status", &headers).await.status() == 401;
    aibridge_testkit::poll_until(is_refused, "the session of a revoked token to end").await;
}
