//! Access to `/metrics`.

use super::Scraped;
use crate::harness::{Harness, PROXIED, provider_settings, status_and_code};
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{RawClient, Response, request};
use secrecy::ExposeSecret;

async fn call(gateway: &Harness, method: &str, headers: &[(&str, &str)]) -> Response {
    RawClient::connect(gateway.address).await.call(&request(method, "/metrics", headers, b"")).await
}

#[tokio::test]
async fn only_direct_loopback_requests_have_access() {
    let gateway = Harness::start(&provider_settings("http://127.0.0.1:9/v1", &["sk-1234"])).await;
    assert_eq!(status_and_code(&call(&gateway, "GET", &[]).await), (200, None));
    assert_eq!(status_and_code(&call(&gateway, "POST", &[]).await), (405, Some("method_not_allowed")));
    for header in PROXIED {
        let response = call(&gateway, "GET", &[header]).await;
        assert_eq!(status_and_code(&response), (403, Some("admin_only")), "{header:?}");
        assert_eq!(response.json()["error"]["type"], "permission_error");
    }
}

#[tokio::test]
async fn admin_tokens_grant_access_from_every_address() {
    let settings = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    let gateway = Harness::start(&format!("[auth]\nmode = \"tokens\"\n{settings}")).await;
    let options = Options::new(gateway.store.path());
    let tokens = Tokens::open(&options).unwrap();
    let admin = tokens.create_admin("ann", None).unwrap();
    let user = tokens.create("bob", None).unwrap();
    let bearer = |secret: &secrecy::SecretString| format!("Bearer {}", secret.expose_secret());
    let table = [
        (bearer(&admin.1), 200, None),
        (bearer(&user.1), 403, Some("admin_only")),
        ("Bearer aib_unknown".to_owned(), 401, Some("invalid_gateway_token")),
        (String::new(), 401, Some("invalid_gateway_token")),
    ];
    for (authorization, status, code) in table {
        let headers = [PROXIED[0], ("Authorization", authorization.as_str())];
        assert_eq!(status_and_code(&call(&gateway, "GET", &headers).await), (status, code));
    }
    tokens.revoke(admin.0.id).unwrap();
    let authorization = bearer(&admin.1);
    let headers = [PROXIED[0], ("Authorization", authorization.as_str())];
    let is_refused = async || call(&gateway, "GET", &headers).await.status() == 401;
    aibridge_testkit::poll_until(is_refused, "a revoked admin token to be refused").await;
}

#[tokio::test]
async fn the_admin_listener_replaces_the_client_listener() {
    let settings = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    let gateway = Harness::start(&format!("[admin]\nlisten = \"127.0.0.1:0\"\n{settings}")).await;
    assert_eq!(status_and_code(&call(&gateway, "GET", &[]).await), (404, Some("unknown_route")));
    let admin = gateway.admin.unwrap();
    Scraped::at(admin)
        .await
        .check(&[(r#"aibridge_key_pool_state{model="",provider="openai",state="valid"}"#, 1.0)]);
    assert_eq!(RawClient::get(admin, "/readyz").await.status(), 200);
    let response = RawClient::get(admin, "/openai/v1/models").await;
    assert_eq!(status_and_code(&response), (404, Some("unknown_route")), "no client is served there");
    let mut proxied = RawClient::connect(admin).await;
    assert_eq!(proxied.call(&request("GET", "/metrics", &[PROXIED[0]], b"")).await.status(), 200);
    gateway.stop().await;
}
