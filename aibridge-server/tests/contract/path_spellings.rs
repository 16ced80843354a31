//! Alternative spellings of a path do not bypass the rules for that path.

use crate::endpoints::{KEYS, OWN_BEARER};
use crate::harness::{Harness, provider_settings, status_and_code};
use aibridge_testkit::{RawClient, Response, Script, ScriptedProvider, request};

async fn gateway(keys: &[&str]) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::start(&provider_settings(&provider.base_url(), keys)).await;
    (provider, gateway)
}

async fn call(gateway: &Harness, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut client = RawClient::connect(gateway.address).await;
    client.call(&request(method, &format!("/openai/v1{path}"), headers, b"{}")).await
}

#[tokio::test]
async fn alternative_spellings_are_unknown_routes_for_every_key() {
    for keys in [&KEYS[..1], &[]] {
        let (provider, gateway) = gateway(keys).await;
        for path in [
            "/responses/c%6fmpact",
            "/responses/Compact",
            "/responses/compact/",
            "/responses/compact;v=1",
            "/responses/compact;v=1/",
            "/responses/compact%3bv=1",
            "/responses/;x/compact",
            "/responses/",
            "/responses/;v=1",
            "/responses/?a=b",
            "/Responses",
            "/responses;v=1",
            "/chat/completions/",
            "/chat/%63ompletions",
            "/responses/resp_1/",
            "/responses/resp_1;v=1",
            "/responses/res%70_1",
            "/responses/resp%5f1/cancel",
            "/conversations/conv_1/",
            "/conversations/conv_1;v=1/items",
            "/conversations/%63onv_1",
            "/responses/compact%20",
            "/responses/compact.",
            "/responses/compact%3Fx",
            "/responses/%EF%BC%A3ompact",
            "/responses/resp_1%20",
            "/responses/resp_1.",
            "/responses/resp_1%0a",
            "/conversations/conv_1%23x",
        ] {
            for method in ["POST", "GET", "DELETE"] {
                let response = call(&gateway, method, path, &[("Authorization", OWN_BEARER)]).await;
                assert_eq!(status_and_code(&response), (404, Some("unknown_route")), "{method} {path}");
            }
        }
        assert!(provider.received().is_empty(), "{:?}", provider.received());
    }
}

#[tokio::test]
async fn unambiguous_paths_are_forwarded_unchanged() {
    let (provider, gateway) = gateway(&KEYS[..1]).await;
    for path in [
        "/models/",
        "/models/openai%2Fgpt-oss-120b",
        "/models/openai%2fgpt-oss-120b?x=%2F",
        "/models/accounts%2Ffireworks%2Fmodels%2Fx",
        "/models/gpt-4%2e1",
        "/models/a;v=1",
        "/conversations/",
        "/responses/resp_1/cancel",
        "/responses/RESP_1",
        "/conversations/conv_1/items?after=a%62",
    ] {
        assert_eq!(call(&gateway, "GET", path, &[]).await.status(), 200, "{path}");
        assert_eq!(provider.received().pop().unwrap().target, format!("/v1{path}"));
    }
}

#[tokio::test]
async fn encoded_slashes_are_allowed_only_in_model_ids() {
    let (provider, gateway) = gateway(&KEYS[..1]).await;
    for path in [
        "/models%2Fa",
        "/models/%2Fa",
        "/models/a%2F",
        "/models/a%2f%2Fb",
        "/models/a/%2Fb",
        "/models/a%2F/b",
        "/models/a%2F..%2Fb",
        "/models/..%2Fb",
        "/models/..;/b",
        "/models/%2e%2E;x/b",
        "/models/a%252Fb",
        "/responses%2Fcompact",
        "/responses/a%2Fb",
        "/conversations/a%2Fb",
    ] {
        assert_eq!(
            status_and_code(&call(&gateway, "GET", path, &[]).await),
            (400, Some("invalid_path")),
            "{path}"
        );
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn a_pool_key_can_only_read_models() {
    let (provider, gateway) = gateway(&KEYS[..1]).await;
    for path in ["/models", "/models/", "/models/ft:gpt:org::1", "/models/a%2Fb"] {
        for method in ["DELETE", "POST", "PUT", "PATCH", "OPTIONS", "PURGE"] {
            let response = call(&gateway, method, path, &[]).await;
            assert_eq!(status_and_code(&response), (405, Some("method_not_allowed")), "{method} {path}");
            assert_eq!(response.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
        assert_eq!(call(&gateway, "GET", path, &[]).await.status(), 200);
    }
    assert_eq!(provider.received().len(), 4);
    assert!(provider.received().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn byok_requests_can_change_models() {
    let (provider, gateway) = gateway(&[]).await;
    let own = [("Authorization", OWN_BEARER)];
    assert_eq!(call(&gateway, "DELETE", "/models/ft:gpt:org::1", &own).await.status(), 200);
    assert_eq!(provider.received()[0].method, "DELETE");
    assert_eq!(
        status_and_code(&call(&gateway, "TRACE", "/models", &own).await),
        (405, Some("method_not_allowed"))
    );
}

#[tokio::test]
async fn an_access_token_in_the_url_is_not_forwarded() {
    let (provider, gateway) = gateway(&KEYS[..1]).await;
    for path in [
        "/models?key=aib_secret",
        "/models?key=%61ib_secret",
        "/models?a=b&aib%5Fsecret",
        "/models?authorization=Bearer+aib_secret",
        "/models/aib_secret",
        "/responses?api_key=aib_secret",
    ] {
        for method in ["GET", "POST"] {
            let response = call(&gateway, method, path, &[]).await;
            assert_eq!(status_and_code(&response), (400, Some("invalid_path")), "{method} {path}");
            assert!(!response.text().contains("secret"), "{}", response.text());
        }
    }
    assert!(provider.received().is_empty());
    assert_eq!(call(&gateway, "GET", "/models?after=maib_1", &[]).await.status(), 200);
}
