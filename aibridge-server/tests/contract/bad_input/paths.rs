//! Ambiguous and unknown paths. The allow-list is a security boundary.

use super::{INVALID, assert_own, assert_untouched, gateway};
use aibridge_testkit::{RawClient, request};

#[tokio::test]
async fn ambiguous_paths_are_refused() {
    let (provider, gateway) = gateway().await;
    for path in [
        "/openai/v1/models/../files",
        "/openai/v1/models/..",
        "/openai/v1/models/.",
        "/openai/v1/models/./x",
        "/openai/v1/./models",
        "/openai/v1/responses/../../v1/files",
        "/../openai/v1/models",
        "/openai/v1/models/%2e%2e/files",
        "/openai/v1/models/%2E%2e/files",
        "/openai/v1/models/.%2e/files",
        "/openai/v1/models/%2e",
        "/openai/v1/models/..%2ffiles",
        "/openai/v1/models/..;",
        "/openai/v1/models/%252e%252e",
        "/openai/v1/models/..%5cfiles",
        "/openai/v1/models/a%5Cb",
        "/openai/v1/models/a\\b",
        "/openai/v1/models\\..\\files",
        "/openai/v1/models/a%00",
        "/openai/v1/models/a%00.json",
        "/openai/v1/models//x",
        "/openai/v1/models//",
        "/openai/v1//models",
        "/openai//v1/models",
        "//openai/v1/models",
        "//evil.test/openai/v1/models",
        "http://localhost//openai/v1/models",
        "/openai/v1/chat%2fcompletions",
        "/openai/v1/chat/completions/..",
        "/%2e%2e/openai/v1/models",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let mut client = RawClient::connect(gateway.address).await;
            let response = client.call(&request(method, path, &[], b"")).await;
            assert_own(&response, 400, INVALID, "invalid_path", path);
        }
    }
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn an_invalid_request_target_is_refused_and_the_connection_closed() {
    let (provider, gateway) = gateway().await;
    for path in [
        &b"/openai/v1/models/a\0b"[..],
        b"/openai/v1/models/a\xffb",
        b"/openai/v1/models/a b",
        b"/openai/v1/models/<a>",
        b"",
    ] {
        let mut client = RawClient::connect(gateway.address).await;
        let response = client.call(&[b"GET ", path, b" HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat()).await;
        assert_eq!(response.status(), 400, "{path:?}");
        client.wait_closed().await;
    }
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn routes_not_on_the_allow_list_are_unknown() {
    let (provider, gateway) = gateway().await;
    for path in [
        "/",
        "*",
        "/openai",
        "/openai/v1",
        "/openai/v1/",
        "/openai/v2/models",
        "/openai/models",
        "/v1/models",
        "/OpenAI/v1/models",
        "/openai/V1/models",
        "/openai/v1/Models",
        "/openai/v1/modelsx",
        "/openai/v1/model",
        "/openai/v1/responses/",
        "/openai/v1/chat",
        "/openai/v1/chat/completions/",
        "/openai/v1/chat/completions/chatcmpl-1",
        "/openai/v1/completions",
        "/openai/v1/moderations",
        "/openai/v1/files",
        "/openai/v1/organization/admin_api_keys",
        "/openai/v1/%6dodels",
        "/openai/v1/models%20",
        "/openai/v1/models;a=b",
        "/%6fpenai/v1/models",
        "/openaix/v1/models",
        "/openai/v1models",
    ] {
        for method in ["GET", "POST"] {
            let mut client = RawClient::connect(gateway.address).await;
            let response = client.call(&request(method, path, &[], b"")).await;
            let message = assert_own(&response, 404, INVALID, "unknown_route", path);
            assert!(message.contains(&format!("{method} {path}")), "{message}");
        }
    }
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn unambiguous_unusual_paths_are_forwarded_unchanged() {
    let (provider, gateway) = gateway().await;
    for (path, query) in [
        ("/models/gpt-4.1", ""),
        ("/models/ft:gpt-4.1:org::id", ""),
        ("/models/...", ""),
        ("/models/.hidden", ""),
        ("/models/a%20b%3Fc", ""),
        ("/models/a%2", "?"),
        ("/models/%zz", "?a=%2f..%2F&&b=/../&c=//x&d=%00"),
        ("/models/a;b=1,c@d!$&'()*+", "??a=b?c"),
        ("/models", "?limit=2&after=a%20b+c&[]=1&q=a:b@c!$()*,;~|^`\\"),
        ("/responses/resp_1/input_items", "?include[]=a"),
    ] {
        let before = provider.received().len();
        let response = RawClient::get(gateway.address, &format!("/openai/v1{path}{query}")).await;
        assert_eq!(response.status(), 200, "{path}{query}");
        assert_eq!(provider.received()[before].target, format!("/v1{path}{query}"));
    }
}

#[tokio::test]
async fn the_gateway_does_not_act_as_a_proxy() {
    let (provider, gateway) = gateway().await;
    // The absolute form is treated like the origin form with its authority as `Host`, which is not the destination.
    for (target, status) in
        [("http://localhost/openai/v1/models", 200), ("http://evil.test/openai/v1/models", 403)]
    {
        let mut client = RawClient::connect(gateway.address).await;
        let response = client.call(&request("GET", target, &[], b"")).await;
        assert_eq!(response.status(), status, "{target}");
    }
    assert_eq!(provider.received()[0].target, "/v1/models");
    for (target, status) in [("evil.test:443", 404), ("http://localhost/openai/v1/models", 405)] {
        let mut client = RawClient::connect(gateway.address).await;
        let response = client.call(&request("CONNECT", target, &[], b"")).await;
        assert_eq!(response.status(), status, "{target}");
    }
    assert_eq!(provider.received().len(), 1);
}
