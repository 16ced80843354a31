//! The scope of a cooldown: a refused request takes no key from requests that the refusal does not concern.

use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS, PASSTHROUGH};
use crate::harness::Harness;
use aibridge_testkit::{RawClient, ReceivedRequest, Response, Script, ScriptedProvider, request};
use std::time::Duration;

/// Calls `endpoint` for `model`.
async fn call(gateway: &Harness, endpoint: &Endpoint, model: &str, query: &str) -> Response {
    let body = endpoint.body.replace("\"m\"", &format!("{model:?}"));
    RawClient::post(gateway.address, &format!("{}{query}", endpoint.target), &[], body).await
}

/// The keys of the requests after the first `before` ones.
fn tried_keys(provider: &ScriptedProvider, before: usize) -> Vec<String> {
    provider.received()[before..].iter().filter_map(ReceivedRequest::bearer).map(str::to_owned).collect()
}

/// The response of the first key to the first request, and whether later requests skip that key: for the same model,
/// for another one, and for none.
const REFUSALS: [(u16, &str, [bool; 3]); 12] = [
    (429, "{}", [true, false, false]),
    (
        429,
        "{\"error\":{\"message\":\"Rate limit reached for insufficient_quota on tokens per min (TPM): Limit 30, Used 29, Requested 2.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
        [true, false, false],
    ),
    (
        429,
        "{\"error\":{\"message\":\"Request too large for m on tokens per min (TPM): Limit 30, Requested 40.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
        [false; 3],
    ),
    (429, "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}", [true; 3]),
    (402, "{\"error\":{\"message\":\"Insufficient credits\"}}", [true; 3]),
    (
        402,
        "{\"error\":{\"message\":\"This request requires more credits, or fewer max_tokens. You requested up to 9 tokens, but can only afford 8.\",\"code\":402}}",
        [false; 3],
    ),
    (401, "{\"error\":{\"code\":\"invalid_api_key\"}}", [true; 3]),
    (
        401,
        "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
        [true; 3],
    ),
    (
        401,
        "{\"error\":{\"message\":\"You have insufficient permissions for this operation. Missing scopes: model.request.\"}}",
        [false; 3],
    ),
    (403, "{\"error\":{\"code\":\"invalid_api_key\"}}", [false; 3]),
    (400, "[{\"error\":{\"code\":400,\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}]", [true; 3]),
    (500, "{\"error\":{\"code\":\"insufficient_quota\"}}", [false; 3]),
];

#[tokio::test]
async fn a_rate_limit_on_a_passthrough_route_cools_the_model_in_the_body() {
    let provider = ScriptedProvider::start(|request| match request.path() {
        "/v1/responses/input_tokens" if request.bearer() == Some(KEYS[0]) => Script::json(429, "{}"),
        "/v1/responses/input_tokens" => Script::json(200, "{}"),
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    let body = r#"{"model":"m","input":"a"}"#;
    let response = RawClient::post(gateway.address, "/openai/v1/responses/input_tokens", &[], body).await;
    assert_eq!(response.status(), 200);
    for (model, key) in [("m", KEYS[1]), ("n", KEYS[0])] {
        let before = provider.received().len();
        assert_eq!(call(&gateway, CHAT, model, "").await.status(), 200);
        assert_eq!(tried_keys(&provider, before), [key], "{model}");
    }
}

/// A body of a passthrough request, and the models that are refused after its rate limit; `""` is a request without one.
const LIMITED_BODIES: [(&str, &[&str]); 6] = [
    (r#"{"model":"m","input":"a"}"#, &["m"]),
    (r#"{"input":{"model":"n"},"mod\u0065l" : "m"}"#, &["m"]),
    (r#"{"model":"n","model":"m"}"#, &["m"]),
    (r#"{"input":"\"model\":\"n\""}"#, &["m", "n", ""]),
    (r#"{"model":7}"#, &["m", "n", ""]),
    ("[]", &["m", "n", ""]),
];

#[tokio::test]
async fn a_rate_limit_of_a_streamed_body_has_the_same_scope() {
    for (body, refused) in LIMITED_BODIES {
        for chunked in [false, true] {
            let provider = ScriptedProvider::start(|request| match request.path() {
                "/v1/responses/input_tokens" => Script::json(429, "{}").header("Retry-After", "20"),
                _ => Endpoint::of(request).good_response(),
            })
            .await;
            let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
            let target = "/openai/v1/responses/input_tokens";
            let response = match chunked {
                false => RawClient::post(gateway.address, target, &[], body).await,
                true => {
                    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                    let head = request("POST", target, &[("Transfer-Encoding", "chunked")], b"");
                    let mut client = RawClient::connect(gateway.address).await;
                    client.call(&[head, chunk.into_bytes()].concat()).await
                }
            };
            assert_eq!(response.status(), 429);
            for model in ["m", "n", ""] {
                let endpoint = if model.is_empty() { PASSTHROUGH } else { CHAT };
                let expected = if refused.contains(&model) { 429 } else { 200 };
                let response = call(&gateway, endpoint, model, "").await;
                assert_eq!(response.status(), expected, "{model:?} after {body}, chunked: {chunked}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_cools_only_its_scope() {
    for (status, body, left_alone) in REFUSALS {
        for endpoint in &ENDPOINTS[..4] {
            // No other key succeeds for the first request.
            let provider = ScriptedProvider::start(move |request| match request.number {
                0 => Script::json(status, body),
                1 if request.bearer() == Some(KEYS[1]) => Script::json(403, "{}"),
                _ => Endpoint::of(request).good_response(),
            })
            .await;
            let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
            call(&gateway, endpoint, "m", "").await;
            for ((endpoint, model), left_alone) in
                [(endpoint, "m"), (endpoint, "n"), (PASSTHROUGH, "")].into_iter().zip(left_alone)
            {
                let before = provider.received().len();
                assert_eq!(
                    call(&gateway, endpoint, model, "").await.status(),
                    200,
                    "{status} {body}: {model}"
                );
                let expected = if left_alone { KEYS[1] } else { KEYS[0] };
                assert_eq!(
                    tried_keys(&provider, before),
                    [expected],
                    "{status} {body}: {} {model}",
                    endpoint.name
                );
            }
        }
    }
}

#[tokio::test]
async fn an_unspecific_401_cools_the_key_if_another_key_succeeds() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => Script::json(401, "{}"),
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for expected in [&KEYS[..2], &KEYS[1..2]] {
        let before = provider.received().len();
        assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200);
        assert_eq!(tried_keys(&provider, before), expected);
    }
}

#[tokio::test]
async fn a_route_that_every_key_refuses_cools_no_key_for_other_routes() {
    let provider = ScriptedProvider::start(|request| match request.path() {
        "/v1/responses" => {
            Script::json(401, "{\"error\":{\"message\":\"Missing scopes: api.responses.write\"}}")
        }
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for _ in 0..3 {
        let response = ENDPOINTS[2].call(&gateway, &[]).await;
        assert_eq!(
            (response.status(), response.header("x-aibridge-error")),
            (401, None),
            "the provider's words"
        );
        let before = provider.received().len();
        assert_eq!(CHAT.call(&gateway, &[]).await.status(), 200);
        assert_eq!(tried_keys(&provider, before), &KEYS[..1]);
    }
}

#[tokio::test]
async fn a_credential_in_the_query_is_treated_as_byok() {
    let refusals = [
        (400, "[{\"error\":{\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}]"),
        (401, "{\"error\":{\"code\":\"invalid_api_key\"}}"),
        (429, "{\"error\":{\"code\":\"insufficient_quota\"}}"),
        (429, "{}"),
        (402, "{}"),
    ];
    for (status, body) in refusals {
        let provider = ScriptedProvider::start(move |request| match request.target.contains('?') {
            true => Script::json(status, body),
            false => Endpoint::of(request).good_response(),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        for (endpoint, query) in [(CHAT, "?key=bad"), (PASSTHROUGH, "?api%5Fkey=bad")] {
            let response = call(&gateway, endpoint, "m", query).await;
            assert_eq!((response.status(), response.text()), (status, body), "{query}");
            let before = provider.received().len();
            assert_eq!(call(&gateway, endpoint, "m", "").await.status(), 200, "{status} {body}");
            assert_eq!(tried_keys(&provider, before), &KEYS[..1], "{status} {body}: {query}");
        }
    }
}

#[tokio::test]
async fn each_model_is_probed_by_one_request() {
    let provider = ScriptedProvider::start(|request| match request.number {
        0 => Script::json(429, "{}").header("Retry-After", "20"),
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    call(&gateway, CHAT, "m", "").await;
    gateway.advance(Duration::from_secs(20) - Duration::from_millis(1));
    for (advance, model, expected) in
        [(0, "m", KEYS[1]), (0, "n", KEYS[0]), (1, "m", KEYS[0]), (0, "m", KEYS[0])]
    {
        gateway.advance(Duration::from_millis(advance));
        let before = provider.received().len();
        call(&gateway, CHAT, model, "").await;
        assert_eq!(tried_keys(&provider, before), [expected], "{model}");
    }
}
