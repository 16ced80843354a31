//! The bounds on metric series for names that clients invent.

use super::Scraped;
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};

async fn call(gateway: &Harness, model: &str) {
    let body = serde_json::json!({ "model": model }).to_string();
    RawClient::post(gateway.address, "/openai/v1/chat/completions", &[], body).await;
}

#[tokio::test]
async fn models_and_tools_have_a_bounded_number_of_series() {
    let provider = ScriptedProvider::start(|request| {
        let model = request.json()["model"].as_str().unwrap().to_owned();
        if model.starts_with("invented") {
            return Script::json(404, "{}");
        }
        let call = serde_json::json!({"id": "t", "function": {"name": format!("tool of {model}"), "arguments": "{}"}});
        let choice = serde_json::json!({"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"});
        Script::json(200, serde_json::json!({"id": "c", "choices": [choice]}).to_string())
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &["sk-0123456789abcdefghij"]);
    let gateway = Harness::start(&format!("[metrics]\nmax_models = 3\nmax_tools = 2\n{settings}")).await;
    for model in ["a", "quote\" \\ line\nend \u{1} é", &"x".repeat(512), "b", "c", "d"] {
        call(&gateway, model).await;
    }
    for number in 0..300 {
        call(&gateway, &format!("invented-{number}")).await;
    }
    let scraped = Scraped::of(&gateway).await;
    let total = |model: &str, status: &str| {
        format!(
            r#"aibridge_interceptions_total{{client="Unknown",method="POST",model="{model}",provider="openai",route="/chat/completions",status="{status}"}}"#
        )
    };
    scraped.check(&[
        (&total("other", "failed"), 300.0),
        (&total("a", "completed"), 1.0),
        (&total("quote\\\" \\\\ line\\nend \u{1} é", "completed"), 1.0),
        (&total("b", "completed"), 1.0),
        (&total("other", "completed"), 3.0),
        (r#"aibridge_non_injected_tool_selections_total{name="tool of a"}"#, 1.0),
        (r#"aibridge_non_injected_tool_selections_total{name="other"}"#, 4.0),
    ]);
    assert_eq!(scraped.series("aibridge_interceptions_total").len(), 5);
    assert_eq!(scraped.series("aibridge_non_injected_tool_selections_total").len(), 3);
}
