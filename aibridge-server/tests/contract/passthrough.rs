//! Passthrough routes: method, path, query and body are relayed unchanged in both directions.

use crate::endpoints::{KEYS, OWN_BEARER};
use crate::harness::Harness;
use aibridge_testkit::{RawClient, Script, ScriptedProvider, Step, request};

mod download;
mod upload;

const CONVERSATIONS: &str = "/openai/v1/conversations";
const OWN: (&str, &str) = ("Authorization", OWN_BEARER);

/// No keys (BYOK), one, several. The body is streamed except for several.
const POOLS: [&[&str]; 3] = [&[], &[KEYS[0]], &KEYS];

fn assert_nothing_recorded(gateway: &Harness) {
    for table in ["aibridge_interceptions", "aibridge_user_prompts", "aibridge_token_usages"] {
        assert_eq!(gateway.store.rows(table), Vec::new(), "{table}");
    }
}

#[tokio::test]
async fn method_path_query_and_body_are_relayed_and_not_recorded() {
    // The response looks like one to record.
    let response =
        r#"{"id":"resp_1","usage":{"input_tokens":1,"output_tokens":1},"output":[{"type":"function_call"}]}"#;
    let provider = ScriptedProvider::start(move |_| Script::json(200, response)).await;
    for keys in POOLS {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        let mut client = RawClient::connect(gateway.address).await;
        for (method, path, body) in [
            ("GET", "/models", ""),
            ("GET", "/models/gpt-4.1?x=1&x=2&y=a%20b", ""),
            ("GET", "/responses/resp_1?include[]=x&stream=false", ""),
            ("DELETE", "/responses/resp_1", ""),
            ("POST", "/responses/resp_1/cancel", ""),
            ("POST", "/responses/input_tokens", r#"{"input":"hi", "model":"m","stream":true}"#),
            ("GET", "/responses/resp_1/input_items?limit=3&order=asc", ""),
            ("POST", "/conversations", r#"{"items":[{"role":"user","content":"hi"}]}"#),
            ("POST", "/conversations/conv_1?a", "\0\x01 no JSON at all \r\n\r\n"),
            ("PATCH", "/conversations/conv_1/items", "{"),
            ("PUT", "/conversations/conv_1", "x"),
            ("OPTIONS", "/conversations", ""),
            ("QUERY", "/conversations/conv_1", "q"),
            ("GET", "/conversations/conv_1", "a GET may have a body"),
        ] {
            let before = provider.received().len();
            let bytes = request(method, &format!("/openai/v1{path}"), &[OWN], body.as_bytes());
            let actual = client.call(&bytes).await;
            assert_eq!((actual.status(), actual.text()), (200, response), "{method} {path}");
            assert_eq!(actual.header("x-aibridge-interception-id"), None, "{method} {path}");
            let received = &provider.received()[before];
            assert_eq!((received.method.as_str(), &received.target), (method, &format!("/v1{path}")));
            assert_eq!(received.body, body, "{method} {path}");
        }
        assert_nothing_recorded(&gateway);
    }
}

#[tokio::test]
async fn head_responses_keep_the_content_length_of_the_provider() {
    for length in [Some("12345"), Some("0"), None] {
        let announced = length.map_or_else(String::new, |length| format!("Content-Length: {length}\r\n"));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{announced}\r\n");
        let provider =
            ScriptedProvider::start(move |_| Script::new().then(Step::Bytes(head.clone().into()))).await;
        for keys in POOLS {
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let mut client = RawClient::connect(gateway.address).await;
            for _ in 0..2 {
                // A body of the first response would break the second one.
                client.send(&request("HEAD", "/openai/v1/models", &[OWN], b"")).await;
                let head = client.head().await;
                assert_eq!((head.status, head.header("content-length")), (200, length), "{head:?}");
                assert_eq!(head.header("content-type"), Some("application/json"));
                assert_eq!(provider.received().pop().unwrap().method, "HEAD");
            }
            assert_nothing_recorded(&gateway);
        }
    }
}

#[tokio::test]
async fn responses_without_a_body_stay_without_one() {
    for (status, headers, length) in [
        (204, "", None),
        (304, "ETag: \"1\"\r\n", None),
        (304, "Content-Length: 77\r\n", Some("77")),
        (205, "Content-Length: 0\r\n", Some("0")),
        (200, "Content-Length: 0\r\n", Some("0")),
    ] {
        let head = format!("HTTP/1.1 {status} Empty\r\nX-Id: 1\r\n{headers}\r\n");
        let provider =
            ScriptedProvider::start(move |_| Script::new().then(Step::Bytes(head.clone().into()))).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        let mut client = RawClient::connect(gateway.address).await;
        for _ in 0..2 {
            let response = client.call(&request("DELETE", "/openai/v1/responses/r", &[], b"")).await;
            assert_eq!((response.status(), response.header("x-id")), (status, Some("1")));
            assert!(response.body.is_empty(), "{status}");
            assert_eq!(response.header("content-length"), length, "{status} {headers}");
            assert_eq!(response.header("transfer-encoding"), None, "{status}");
        }
    }
}

#[tokio::test]
async fn errors_are_relayed_unchanged() {
    for status in [400, 404, 409, 422, 500, 503] {
        let body = format!("{{ \"error\": {{\"code\":{status}.0}} }}");
        let sent = body.clone();
        let provider = ScriptedProvider::start(move |_| {
            Script::json(status, sent.clone()).header("Retry-After", "3").header("X-Should-Retry", "false")
        })
        .await;
        for keys in POOLS {
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            let response = RawClient::post(gateway.address, CONVERSATIONS, &[OWN], "{}").await;
            assert_eq!((response.status(), response.text()), (status, body.as_str()));
            assert_eq!(response.header("retry-after"), Some("3"));
            assert_eq!(response.header("x-should-retry"), Some("false"));
            assert_eq!(response.header("x-aibridge-error"), None);
            assert_nothing_recorded(&gateway);
        }
    }
}
