//! Nobody takes a key away from others: what one request is refused for, and what the next one of somebody else does.

use crate::harness::Harness;
use crate::ways::{CHAT, KEYS, PASSTHROUGH, WAYS, Way};
use aibridge_testkit::{Answer, RawClient, Received, Script, ScriptedProvider};
use std::time::Duration;

/// A request for `model`, `way`.
async fn ask(gateway: &Harness, way: &Way, model: &str, query: &str) -> Answer {
    let body = way.body.replace("\"m\"", &format!("{model:?}"));
    RawClient::post(gateway.address, &format!("{}{query}", way.target), &[], body).await
}

/// The keys that were tried since there were `before` requests.
fn tried(provider: &ScriptedProvider, before: usize) -> Vec<String> {
    provider.received()[before..].iter().filter_map(Received::bearer).map(str::to_owned).collect()
}

/// What the first key answers the first request, and whether it is left alone after that by requests for the same model,
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
async fn a_refusal_cools_what_it_is_about_and_no_more() {
    for (status, body, left_alone) in REFUSALS {
        for way in &WAYS[..4] {
            // No other key succeeds with the first request.
            let provider = ScriptedProvider::start(move |request| match request.number {
                0 => Script::json(status, body),
                1 if request.bearer() == Some(KEYS[1]) => Script::json(403, "{}"),
                _ => Way::of(request).good_answer(),
            })
            .await;
            let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
            ask(&gateway, way, "m", "").await;
            for ((way, model), left_alone) in
                [(way, "m"), (way, "n"), (PASSTHROUGH, "")].into_iter().zip(left_alone)
            {
                let before = provider.received().len();
                assert_eq!(ask(&gateway, way, model, "").await.status(), 200, "{status} {body}: {model}");
                let expected = if left_alone { KEYS[1] } else { KEYS[0] };
                assert_eq!(tried(&provider, before), [expected], "{status} {body}: {} {model}", way.name);
            }
        }
    }
}

#[tokio::test]
async fn a_401_without_a_name_is_the_keys_fault_if_another_key_succeeds() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] => Script::json(401, "{}"),
        _ => Way::of(request).good_answer(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for expected in [&KEYS[..2], &KEYS[1..2]] {
        let before = provider.received().len();
        assert_eq!(CHAT.ask(&gateway, &[]).await.status(), 200);
        assert_eq!(tried(&provider, before), expected);
    }
}

#[tokio::test]
async fn a_route_that_no_key_may_use_takes_no_key_from_other_routes() {
    let provider = ScriptedProvider::start(|request| match request.path() {
        "/v1/responses" => {
            Script::json(401, "{\"error\":{\"message\":\"Missing scopes: api.responses.write\"}}")
        }
        _ => Way::of(request).good_answer(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for _ in 0..3 {
        let answer = WAYS[2].ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (401, None), "the provider's words");
        let before = provider.received().len();
        assert_eq!(CHAT.ask(&gateway, &[]).await.status(), 200);
        assert_eq!(tried(&provider, before), &KEYS[..1]);
    }
}

#[tokio::test]
async fn a_credential_in_the_query_is_the_clients_own() {
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
            false => Way::of(request).good_answer(),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        for (way, query) in [(CHAT, "?key=bad"), (PASSTHROUGH, "?api%5Fkey=bad")] {
            let answer = ask(&gateway, way, "m", query).await;
            assert_eq!((answer.status(), answer.text()), (status, body), "{query}");
            let before = provider.received().len();
            assert_eq!(ask(&gateway, way, "m", "").await.status(), 200, "{status} {body}");
            assert_eq!(tried(&provider, before), &KEYS[..1], "{status} {body}: {query}");
        }
    }
}

#[tokio::test]
async fn each_model_is_tried_again_by_one_request() {
    let provider = ScriptedProvider::start(|request| match request.number {
        0 => Script::json(429, "{}").header("Retry-After", "20"),
        _ => Way::of(request).good_answer(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    ask(&gateway, CHAT, "m", "").await;
    gateway.advance(Duration::from_secs(20) - Duration::from_millis(1));
    for (advance, model, expected) in
        [(0, "m", KEYS[1]), (0, "n", KEYS[0]), (1, "m", KEYS[0]), (0, "m", KEYS[0])]
    {
        gateway.advance(Duration::from_millis(advance));
        let before = provider.received().len();
        ask(&gateway, CHAT, model, "").await;
        assert_eq!(tried(&provider, before), [expected], "{model}");
    }
}
