//! Embeddings: bridged, with usage and without a prompt.

use crate::harness::{Harness, status_and_code};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};

const TARGET: &str = "/openai/v1/embeddings";
const KEYS: [&str; 2] = ["sk-first-key-0123456789", "sk-second-key-012345678"];
const BODY: &str = r#"{ "input" : ["a","b"], "model":"text-embedding-3-small", "x":1e2 , "dimensions":2 }"#;

fn response(usage: &str) -> String {
    format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":[0.1,-2e-3]}}],"model":"text-embedding-3-small"{usage}}}"#
    )
}

#[tokio::test]
async fn usage_is_recorded_and_no_prompt() {
    // The usage of the response, and the recorded input tokens.
    for (usage, input) in [
        (r#","usage":{"prompt_tokens":8,"total_tokens":8}"#, Some(8)),
        (r#","usage":{"prompt_tokens":"8","total_tokens":8.0}"#, Some(8)),
        (r#","usage":{"prompt_tokens":8,"completion_tokens":0,"total_tokens":8}"#, Some(8)),
        (r#","usage":{"total_tokens":8}"#, Some(8)),
        (r#","usage":null"#, None),
        ("", None),
    ] {
        let whole = response(usage);
        let sent = whole.clone();
        let provider = ScriptedProvider::start(move |_| Script::json(200, sent.clone())).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
        let response = RawClient::post(gateway.address, TARGET, &[], BODY).await;
        assert_eq!((response.status(), response.text()), (200, whole.as_str()));
        assert!(response.header("x-aibridge-interception-id").is_some());
        let received = provider.received().pop().unwrap();
        assert_eq!((received.target.as_str(), &received.body[..]), ("/v1/embeddings", BODY.as_bytes()));
        let row = gateway.store.rows("aibridge_interceptions").pop().unwrap();
        assert_eq!((&row["route"], &row["model"]), (&"/embeddings".into(), &"text-embedding-3-small".into()));
        assert_eq!((&row["outcome"], &row["streaming"]), (&"completed".into(), &0.into()));
        assert_eq!(gateway.store.rows("aibridge_user_prompts").len(), 0, "{usage}");
        let usages = gateway.store.rows("aibridge_token_usages");
        let inputs: Vec<_> = usages.iter().map(|row| row["input_tokens"].as_i64().unwrap()).collect();
        assert_eq!(inputs, Vec::from_iter(input), "{usage}");
        assert!(usages.iter().all(|row| row["output_tokens"] == 0), "{usages:?}");
    }
}

#[tokio::test]
async fn a_stream_member_changes_nothing() {
    let whole = response("");
    let sent = whole.clone();
    let provider = ScriptedProvider::start(move |_| Script::json(200, sent.clone())).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    let body = r#"{"input":"a","model":"m","stream":true}"#;
    let response = RawClient::post(gateway.address, TARGET, &[], body).await;
    assert_eq!((response.status(), response.text()), (200, whole.as_str()));
    assert_eq!(provider.received()[0].body, body);
    assert_eq!(gateway.store.rows("aibridge_interceptions")[0]["outcome"], "completed");
}

#[tokio::test]
async fn keys_fail_over_and_errors_are_relayed() {
    let provider = ScriptedProvider::start(|request| match request.bearer() == Some(KEYS[0]) {
        true => Script::json(429, "{}"),
        false => Script::json(400, r#"{"error":{"message":"too many inputs"}}"#),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    let response = RawClient::post(gateway.address, TARGET, &[], BODY).await;
    assert_eq!((response.status(), response.text()), (400, r#"{"error":{"message":"too many inputs"}}"#));
    assert_eq!(provider.received().len(), 2);
    let row = gateway.store.rows("aibridge_interceptions").pop().unwrap();
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"invalid_request".into()));
}

#[tokio::test]
async fn tokens_are_charged_to_the_limit_of_the_actor() {
    let whole = response(r#","usage":{"prompt_tokens":80,"total_tokens":80}"#);
    let provider = ScriptedProvider::start(move |_| Script::json(200, whole.clone())).await;
    let settings = crate::harness::provider_settings(&provider.base_url(), &KEYS);
    let gateway = Harness::start(&format!("[limits]\ntokens_per_minute = 50\n{settings}")).await;
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(RawClient::post(gateway.address, TARGET, &[], BODY).await.status());
    }
    assert_eq!(statuses, [200, 429]);
}

#[tokio::test]
async fn only_the_exact_route_is_bridged() {
    let provider = ScriptedProvider::start(|_| Script::json(200, response(""))).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for (method, path, body, expected) in [
        ("GET", "", "", (405, Some("method_not_allowed"))),
        ("POST", "/", BODY, (404, Some("unknown_route"))),
        ("POST", ";v=1", BODY, (404, Some("unknown_route"))),
        ("POST", "", "[]", (400, Some("invalid_json"))),
    ] {
        let target = format!("{TARGET}{path}");
        let bytes = request(method, &target, &[], body.as_bytes());
        let response = RawClient::connect(gateway.address).await.call(&bytes).await;
        assert_eq!(status_and_code(&response), expected, "{method} {target}");
    }
    assert_eq!(provider.received().len(), 0);
}
