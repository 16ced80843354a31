//! Tests of prices of responses.

use super::*;
use aibridge_intercept::observer::{Searches, Usage};
use aibridge_recorder::{CredentialKind, ExtraValue};
use std::collections::BTreeMap;
use uuid::Uuid;

const COMPLETE: ResponseProgress = ResponseProgress { is_success: true, is_complete: true };
const BROKEN: ResponseProgress = ResponseProgress { is_success: true, is_complete: false };

fn interception(model: &str) -> Interception {
    Interception {
        id: Uuid::nil(),
        initiator_id: "ann".into(),
        provider: "openai".into(),
        provider_name: "main".into(),
        model: model.into(),
        route: "/chat/completions".into(),
        streaming: true,
        client: "Unknown".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: "2026-11-01T00:00:00Z".parse().unwrap(),
    }
}

fn usage(input: i64, output: i64) -> Usage {
    Usage { input, output, ..Usage::default() }
}

fn complete(usage: Usage) -> ResponseSummary {
    ResponseSummary { usage: Some(usage), ending: Ending::Complete, ..ResponseSummary::default() }
}

fn cost_of(
    vendor: &str,
    model: &str,
    summary: &ResponseSummary,
    progress: ResponseProgress,
) -> Option<UsageCost> {
    let billing =
        Billing { provider: "main".into(), vendor: vendor.into(), is_subscription: vendor == "subscription" };
    let (interception, table) = (interception(model), PriceTable::built_in());
    let input = PricingInput {
        table,
        billing: &billing,
        interception: &interception,
        is_subscription: false,
        request_bytes: 4_000,
    };
    input.cost(summary, progress)
}

/// The cost in dollars and the status.
fn shown(cost: Option<UsageCost>) -> (Option<String>, &'static str) {
    let cost = cost.unwrap();
    (cost.cost_nano_usd.map(|nano| NanoUsd::new(nano).to_decimal()), cost.cost_status.as_str())
}

#[test]
fn a_reported_usage_is_priced() {
    let summary = complete(usage(1_000_000, 1_000_000));
    let cost = cost_of("openai", "gpt-4.1", &summary, COMPLETE);
    assert_eq!(cost.as_ref().unwrap().price_id.as_deref(), Some("genai-prices-0.2.1:openai/gpt-4.1"));
    assert_eq!(shown(cost), (Some("10.00".into()), "priced"));
    assert_eq!(shown(cost_of("openai", "mystery", &summary, COMPLETE)), (None, "unpriced"));
    assert_eq!(
        shown(cost_of("subscription", "gpt-4.1", &summary, COMPLETE)),
        (Some("0.00".into()), "subscription")
    );
    assert_eq!(cost_of("openai", "gpt-4.1", &ResponseSummary::default(), COMPLETE), None);
}

#[test]
fn the_response_decides_model_and_tier() {
    let summary = ResponseSummary {
        model: Some("o3-2025-04-16".into()),
        service_tier: Some("flex".into()),
        ..complete(usage(1_000_000, 0))
    };
    let cost = cost_of("openai", "gpt-4.1", &summary, COMPLETE).unwrap();
    assert_eq!(cost.price_id.as_deref(), Some("genai-prices-0.2.1:openai/o3@2025-06-10#flex"));
    assert_eq!(cost.cost_nano_usd, Some(1_000_000_000));
}

#[test]
fn what_the_provider_states_wins() {
    let stated = |cost: &str| complete(Usage { cost: Some(cost.into()), ..usage(1_000_000, 0) });
    let cost = cost_of("openrouter", "mystery", &stated("0.00123456789"), COMPLETE).unwrap();
    assert_eq!((cost.cost_nano_usd, cost.price_id.as_deref()), (Some(1_234_568), Some("provider")));
    assert_eq!(cost.cost_status, CostStatus::Priced);
    assert_eq!(shown(cost_of("openai", "gpt-4.1", &stated("-1"), COMPLETE)), (Some("2.00".into()), "priced"));
    assert_eq!(
        shown(cost_of("openai", "gpt-4.1", &stated("1e-3"), COMPLETE)),
        (Some("0.001".into()), "priced")
    );
}

#[test]
fn a_broken_stream_is_estimated() {
    let broken = |usage, characters, ending| ResponseSummary {
        usage,
        characters,
        ending,
        ..ResponseSummary::default()
    };
    let estimate = |summary: &ResponseSummary, progress| {
        let cost = cost_of("openai", "gpt-4.1", summary, progress)?;
        Some((cost.estimated_input_tokens, cost.estimated_output_tokens, cost.cost_nano_usd))
    };
    // 1,000 tokens of input for $2 and 100 of output for $8 per million.
    let cut = broken(None, 400, Ending::Missing);
    assert_eq!(estimate(&cut, BROKEN), Some((Some(1_000), Some(100), Some(2_800_000))));
    assert_eq!(shown(cost_of("openai", "gpt-4.1", &cut, BROKEN)).1, "estimated");
    assert_eq!(shown(cost_of("openai", "mystery", &cut, BROKEN)), (None, "unpriced"));
    // The provider refused, or sent an error alone.
    assert_eq!(estimate(&cut, ResponseProgress { is_success: false, is_complete: false }), None);
    assert_eq!(estimate(&broken(None, 0, Ending::Failed), BROKEN), None);
    assert_eq!(
        estimate(&broken(None, 8, Ending::Failed), BROKEN),
        Some((Some(1_000), Some(2), Some(2_016_000)))
    );
    // A usage that came before the end counts, and the output at least as far as it was relayed.
    let partial = broken(Some(usage(500, 1)), 400, Ending::Missing);
    assert_eq!(estimate(&partial, BROKEN), Some((None, Some(100), Some(1_800_000))));
    let known = broken(Some(usage(500, 200)), 400, Ending::Missing);
    assert_eq!(estimate(&known, BROKEN), Some((None, None, Some(2_600_000))));
    // The client left after the usage had come.
    let late = broken(Some(usage(500, 1)), 400, Ending::Complete);
    assert_eq!(estimate(&late, BROKEN), Some((None, None, Some(1_008_000))));
}

#[test]
fn parts_are_priced_at_their_own_models() {
    let part = |model: &str, input| UsagePart { model: Some(model.into()), usage: usage(input, 0) };
    let mut whole = Usage {
        parts: vec![part("claude-haiku-4-5", 1_000_000), part("claude-opus-4-5", 1_000_000)],
        ..usage(2_000_000, 0)
    };
    whole.extra.insert("web_search_requests".into(), ExtraValue::Count(100));
    let cost = cost_of("anthropic", "claude-sonnet-4-5", &complete(whole), COMPLETE);
    let ids = cost.as_ref().unwrap().price_id.clone().unwrap();
    assert_eq!(
        ids,
        "genai-prices-0.2.1:anthropic/claude-haiku-4-5,genai-prices-0.2.1:anthropic/claude-opus-4-5"
    );
    assert_eq!(shown(cost), (Some("7.00".into()), "priced"));
    // Each part is below the threshold of the long context, their sum is not.
    let parts = vec![part("claude-sonnet-4-5", 150_000); 2];
    let cost =
        cost_of("anthropic", "claude-sonnet-4-5", &complete(Usage { parts, ..usage(300_000, 0) }), COMPLETE);
    let id = "genai-prices-0.2.1:anthropic/claude-sonnet-4-5";
    assert_eq!(cost.as_ref().unwrap().price_id, Some(format!("{id},{id}")), "a recomputation keeps it");
    assert_eq!(shown(cost), (Some("0.90".into()), "priced"));
}

#[test]
fn searches_cost_extra() {
    let mut summary = complete(usage(0, 0));
    summary.searches = Searches { web: 3, file: 4 };
    assert_eq!(shown(cost_of("openai", "gpt-4.1", &summary, COMPLETE)), (Some("0.04".into()), "priced"));
}
