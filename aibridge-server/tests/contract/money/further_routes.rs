//! Budgets and further routes, whose responses are not recorded.

use super::DOLLAR;
use crate::dialects::KEY;
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};

const IMAGES: &str = "/openai/v1/images/generations";

#[tokio::test]
async fn usage_of_further_routes_is_charged_to_budgets() {
    let tokens = r#"{"model":"gpt-4.1","usage":{"prompt_tokens":500000,"total_tokens":500000}}"#;
    let stated = r#"{"usage":{"prompt_tokens":1,"total_tokens":1,"cost":1.0}}"#;
    let unpriced = r#"{"usage":{"prompt_tokens":500000,"total_tokens":500000}}"#;
    let cases = [
        (
            tokens,
            1_000_000_000,
            r#"aibridge_cost_nano_usd_total{model="gpt-4.1",provider="openai"} 1000000000"#,
        ),
        (
            stated,
            1_000_000_000,
            r#"aibridge_cost_nano_usd_total{model="unknown",provider="openai"} 1000000000"#,
        ),
        (unpriced, 0, r#"aibridge_unpriced_usages_total{model="unknown",provider="openai"} 2"#),
    ];
    for (body, spent, series) in cases {
        let provider = ScriptedProvider::start(move |_| Script::json(200, body)).await;
        let routes = "routes = [\"POST /images/…\"]\n";
        let settings = DOLLAR.to_owned() + &provider_settings(&provider.base_url(), &[KEY]) + routes;
        let gateway = Harness::start(&settings).await;
        assert_eq!(RawClient::post(gateway.address, IMAGES, &[], "{}").await.status(), 200);
        let next = RawClient::post(gateway.address, IMAGES, &[], "{}").await;
        assert_eq!(next.status(), if spent > 0 { 429 } else { 200 }, "{body}: {}", next.text());
        let rows = RawClient::get(gateway.address, "/api/v1/budgets").await.json();
        assert_eq!(rows["data"][0]["spent_nano_usd"], spent, "{body}");
        assert_eq!(gateway.store.rows("aibridge_token_usages").len(), 0);
        let metrics = RawClient::get(gateway.address, "/metrics").await;
        assert!(metrics.text().contains(series), "{body}: {}", metrics.text());
    }
}
