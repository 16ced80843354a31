//! The thinnest path through all crates: one streamed chat completion.

use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, RawClient, Script, ScriptedProvider};

const REQUEST: &[u8] = br#"{"model":"gpt-x", "stream":true,"messages":[{"role":"user","content":"hello"}]}"#;

const EVENTS: [&str; 4] = [
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n",
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];

#[tokio::test]
async fn a_streamed_chat_completion_is_relayed_and_recorded() {
    let provider = ScriptedProvider::start(|_| Script::sse(EVENTS.concat())).await;
    let gateway = Harness::with_keys(&provider.base_url(), &["sk-0123456789abcdefghij"]).await;

    let answer = RawClient::post(gateway.address, "/openai/v1/chat/completions", &[], REQUEST).await;

    assert_eq!(answer.status(), 200);
    assert_eq!(answer.end, BodyEnd::Clean);
    assert_eq!(answer.text(), [EVENTS[0], EVENTS[1], EVENTS[3]].concat());
    let received = provider.received();
    assert_eq!(received[0].bearer(), Some("sk-0123456789abcdefghij"));
    assert_eq!(
        received[0].body,
        br#"{"stream_options":{"include_usage":true},"model":"gpt-x", "stream":true,"messages":[{"role":"user","content":"hello"}]}"#[..]
    );
    let id = answer.header("x-aibridge-interception-id").unwrap();
    let interception = gateway.store.interception(id).unwrap();
    assert_eq!(interception["outcome"], "completed");
    assert_eq!(interception["credential_hint"], "sk-0...ghij");
    assert_eq!(gateway.store.rows_of("aibridge_user_prompts", id)[0]["prompt"], "hello");
    assert_eq!(gateway.store.rows_of("aibridge_token_usages", id)[0]["input_tokens"], 9);
    gateway.stop().await;
}
