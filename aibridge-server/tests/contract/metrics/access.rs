//! Who may read it, and where.

use super::Scraped;
use crate::harness::{Harness, provider_settings};
use aibridge_store::{Durability, Options, Tokens};
use aibridge_testkit::{Answer, RawClient, request};
use secrecy::ExposeSecret;

async fn ask(gateway: &Harness, method: &str, headers: &[(&str, &str)]) -> Answer {
    RawClient::connect(gateway.address).await.ask(&request(method, "/metrics", headers, b"")).await
}

fn told(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status(), answer.header("x-aibridge-error"))
}

/// How a request looks that a proxy passes on.
const PROXIED: [(&str, &str); 3] =
    [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1")];

#[tokio::test]
async fn the_own_machine_may_read_it_but_nobody_through_a_proxy() {
    let gateway = Harness::start(&provider_settings("http://127.0.0.1:9/v1", &["sk-1234"])).await;
    assert_eq!(told(&ask(&gateway, "GET", &[]).await), (200, None));
    assert_eq!(told(&ask(&gateway, "POST", &[]).await), (405, Some("method_not_allowed")));
    for header in PROXIED {
        let answer = ask(&gateway, "GET", &[header]).await;
        assert_eq!(told(&answer), (403, Some("admin_only")), "{header:?}");
        assert_eq!(answer.json()["error"]["type"], "permission_error");
    }
}

#[tokio::test]
async fn admin_tokens_open_it_from_anywhere() {
    let settings = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    let gateway = Harness::start(&format!("[auth]\nmode = \"tokens\"\n{settings}")).await;
    let options = Options { path: gateway.store.path().to_owned(), durability: Durability::Process };
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
        assert_eq!(told(&ask(&gateway, "GET", &headers).await), (status, code));
    }
    tokens.revoke(admin.0.id).unwrap();
    let authorization = bearer(&admin.1);
    let headers = [PROXIED[0], ("Authorization", authorization.as_str())];
    let refused = async { while ask(&gateway, "GET", &headers).await.status() != 401 {} };
    aibridge_testkit::within(refused, "a revoked admin token to be refused").await;
}

#[tokio::test]
async fn a_listener_of_its_own_takes_it_away_from_clients() {
    let settings = provider_settings("http://127.0.0.1:9/v1", &["sk-1234"]);
    let gateway = Harness::start(&format!("[admin]\nlisten = \"127.0.0.1:0\"\n{settings}")).await;
    assert_eq!(told(&ask(&gateway, "GET", &[]).await), (404, Some("unknown_route")));
    let admin = gateway.admin.unwrap();
    Scraped::at(admin)
        .await
        .check(&[(r#"aibridge_key_pool_state{model="",provider="openai",state="valid"}"#, 1.0)]);
    assert_eq!(RawClient::get(admin, "/readyz").await.status(), 200);
    let answer = RawClient::get(admin, "/openai/v1/models").await;
    assert_eq!(told(&answer), (404, Some("unknown_route")), "no client is served there");
    let mut proxied = RawClient::connect(admin).await;
    assert_eq!(proxied.ask(&request("GET", "/metrics", &[PROXIED[0]], b"")).await.status(), 200);
    gateway.stop().await;
}
