//! Tests of costs at other prices.

use super::*;
use crate::pricing::PricingInput;
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::cost::ResponseProgress;
use aibridge_intercept::observer::Ending;
use aibridge_prices::Overrides;
use aibridge_recorder::{CredentialKind, Interception};
use uuid::Uuid;

fn interception(model: &str) -> Interception {
    Interception {
        id: Uuid::nil(),
        initiator_id: "ann".into(),
        provider: "openai".into(),
        provider_name: "main".into(),
        model: model.into(),
        route: "/responses".into(),
        streaming: true,
        client: "Unknown".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: "2026-11-01T00:00:00.123Z".parse().unwrap(),
    }
}

fn repricing(vendor: &str, rows: &str) -> Repricing {
    let table = PriceTable::with_overrides(Overrides::parse(rows).unwrap());
    let billing = Billing { provider: "main".into(), vendor: vendor.into(), is_subscription: false };
    Repricing { table, billings: vec![billing] }
}

/// The cost of a response when it came.
fn first_cost(repricing: &Repricing, model: &str, summary: &ResponseSummary) -> UsageCost {
    let interception = interception(model);
    let input = PricingInput {
        table: &repricing.table,
        billing: &repricing.billings[0],
        interception: &interception,
        is_subscription: false,
        request_bytes: 4_000,
    };
    let is_complete = summary.ending == Ending::Complete;
    input.cost(summary, ResponseProgress { is_success: true, is_complete }).unwrap()
}

fn past<'a>(model: &'a str, usage: &'a Usage, searches: Searches, charged: &'a UsageCost) -> PastUsage<'a> {
    let started_at = "2026-11-01T00:00:00.123Z".parse().unwrap();
    PastUsage { kind: "openai", provider: "main", model, started_at, usage, searches, charged }
}

const EXTRAS: [&str; 6] = [
    "{}",
    r#"{"service_tier":"flex"}"#,
    r#"{"service_tier":"standard","cache_write_1h":20,"web_search_requests":3}"#,
    r#"{"prompt_audio":7,"completion_audio":5,"total_tokens":40}"#,
    r#"{"speed":"fast","service_tier":"standard"}"#,
    r#"{"cost":0.0123,"inference_geo":"eu"}"#,
];

#[test]
fn the_same_prices_have_the_same_result() {
    let requested = ["gpt-4.1", "gpt-5.4", "claude-sonnet-4-5", "my-deployment"];
    let named = [None, Some("gpt-4.1-mini-2025-04-14"), Some("claude-opus-4-5-20251101"), Some("other")];
    let mut compared = 0;
    for vendor in ["openai", "anthropic"] {
        let repricing = repricing(vendor, "");
        for (requested, named) in
            requested.iter().flat_map(|one| named.iter().map(move |other| (*one, *other)))
        {
            for (extra, tier, ending) in EXTRAS.iter().flat_map(|extra| {
                [
                    (None, Ending::Complete),
                    (Some("batch"), Ending::Complete),
                    (Some("scale"), Ending::default()),
                ]
                .map(|(tier, ending)| (*extra, tier, ending))
            }) {
                let usage = recorded_usage([300_000, 10, 20, 30], extra);
                let summary = ResponseSummary {
                    usage: Some(usage.clone()),
                    model: named.map(str::to_owned),
                    service_tier: tier.map(str::to_owned),
                    searches: Searches { web: 2, file: 1 },
                    characters: 4_000,
                    ending,
                    ..ResponseSummary::default()
                };
                let first = first_cost(&repricing, requested, &summary);
                let again = repricing.reprice(&past(requested, &usage, summary.searches, &first));
                let is_same =
                    matches!(again, NewCost::Same | NewCost::Kept(KeptReason::Stated | KeptReason::Unpriced));
                assert!(is_same, "{vendor} {requested} {named:?} {extra} {tier:?}: {first:?} {again:?}");
                compared += usize::from(again == NewCost::Same);
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn other_prices_change_the_cost() {
    let (usage, none) = (recorded_usage([1_000_000, 0, 0, 0], "{}"), Searches::default());
    let priced = UsageCost {
        cost_nano_usd: Some(2_000_000_000),
        cost_status: CostStatus::Priced,
        price_id: Some("genai-prices-0.2.1:openai/gpt-4.1".into()),
        ..UsageCost::default()
    };
    let rows = "version = \"1\"\n[[price]]\nmodel = \"gpt-4.1\"\ninput = 3\noutput = 1\n[[price]]\nmodel = \"new\"\ninput = 5\n";
    let repricing = repricing("openai", rows);
    let expected = UsageCost {
        cost_nano_usd: Some(3_000_000_000),
        price_id: Some("prices.toml-1:gpt-4.1".into()),
        ..priced.clone()
    };
    assert_eq!(repricing.reprice(&past("deployment", &usage, none, &priced)), NewCost::Changed(expected));
    let unpriced = UsageCost::default();
    let NewCost::Changed(new) = repricing.reprice(&past("new", &usage, none, &unpriced)) else {
        panic!("unpriced")
    };
    assert_eq!((new.cost_nano_usd, new.cost_status), (Some(5_000_000_000), CostStatus::Priced));

    // Another version of the same row is no change, unless the amount differs.
    let stored = UsageCost { price_id: Some("prices.toml-0:new".into()), ..new.clone() };
    assert_eq!(repricing.reprice(&past("new", &usage, none, &stored)), NewCost::Same);
    let stored = UsageCost { cost_nano_usd: Some(1), ..stored };
    assert_eq!(repricing.reprice(&past("new", &usage, none, &stored)), NewCost::Changed(new));

    // An estimate stays one, with the counts that were estimated.
    let broken =
        UsageCost { estimated_output_tokens: Some(9), cost_status: CostStatus::Estimated, ..priced.clone() };
    let NewCost::Changed(new) = repricing.reprice(&past("gpt-4.1", &usage, none, &broken)) else {
        panic!("estimate")
    };
    assert_eq!((new.cost_status, new.estimated_output_tokens), (CostStatus::Estimated, Some(9)));
}

#[test]
fn some_costs_are_kept() {
    let (usage, none) = (recorded_usage([1, 0, 0, 0], "{}"), Searches::default());
    let cost = |id: &str, cost_status| UsageCost {
        cost_nano_usd: Some(7),
        cost_status,
        price_id: Some(id.to_owned()),
        ..UsageCost::default()
    };
    let repricing = repricing("openai", "[[price]]\nmodel = \"*\"\nprovider = \"other\"\ninput = 3\n");
    let table = [
        (cost("provider", CostStatus::Priced), KeptReason::Stated),
        (cost("x:gpt-4.1", CostStatus::Subscription), KeptReason::Subscription),
        (cost("x:a/b,x:a/c", CostStatus::Priced), KeptReason::SeveralParts),
        (cost("x:a/b,x:a/b", CostStatus::Priced), KeptReason::SeveralParts),
        (cost("prices.toml-1:mine*", CostStatus::Priced), KeptReason::NoPriceNow),
        (UsageCost::default(), KeptReason::Unpriced),
    ];
    for (charged, reason) in table {
        assert_eq!(repricing.reprice(&past("mine", &usage, none, &charged)), NewCost::Kept(reason));
    }
}
