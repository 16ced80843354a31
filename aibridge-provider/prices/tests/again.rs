//! Prices of requests that were priced before, and whose response is not known any more.

#![allow(clippy::unwrap_used, reason = "a test program, with helpers outside of the test functions")]

use aibridge_prices::{Overrides, PriceQuery, PriceTable};

const NOW: &str = "2026-11-01T12:00:00Z";

fn table(rows: &str) -> PriceTable {
    PriceTable::with_overrides(Overrides::parse(rows).unwrap())
}

#[test]
fn unchanged_prices_have_the_same_id_again() {
    let built_in = PriceTable::built_in();
    for listed in built_in.models() {
        for (requested, tier) in [(listed.model, ""), ("deployment", ""), (listed.model, "flex")] {
            let mut query = PriceQuery::new(listed.vendor, requested, NOW.parse().unwrap());
            query.response_model = Some(listed.model);
            query.service_tier = Some(tier);
            let Some(first) = built_in.find(&query) else { continue };
            let again = PriceQuery { response_model: None, service_tier: None, ..query };
            let again = built_in.find_again(&again, Some(first.id())).unwrap();
            assert_eq!(again.id(), first.id(), "{listed:?} {requested}");
        }
    }
}

#[test]
fn a_row_of_the_operator_applies_to_what_was_recorded_before() {
    let snapshot = table("version = \"1\"\n[[price]]\nmodel = \"gpt-4.1-2025-04-14\"\ninput = 1\n");
    let family = table("version = \"1\"\n[[price]]\nmodel = \"gpt-4.1\"\ninput = 1\n");
    let stored = Some("genai-prices-0.1.0:openai/gpt-4.1");
    let cases = [
        (&snapshot, "gpt-4.1-2025-04-14", stored, "prices.toml-1:gpt-4.1-2025-04-14"),
        (&snapshot, "gpt-4.1", stored, "genai-prices-0.2.1:openai/gpt-4.1"),
        (&family, "my-deployment", stored, "prices.toml-1:gpt-4.1"),
        (&family, "gpt-4.1", None, "prices.toml-1:gpt-4.1"),
        (&family, "my-deployment", Some("prices.toml-0:gpt-4.1*"), "prices.toml-1:gpt-4.1"),
        (&family, "my-deployment", Some("prices.toml-0:OpenAI/gpt-4.1"), "prices.toml-1:gpt-4.1"),
        (&family, "gpt-4.1", Some("prices.toml-0:*"), "prices.toml-1:gpt-4.1"),
    ];
    for (table, requested, stored, expected) in cases {
        let query = PriceQuery::new("openai", requested, NOW.parse().unwrap());
        let price = table.find_again(&query, stored).unwrap();
        assert_eq!(price.id(), expected, "{requested} {stored:?}");
    }
    let query = PriceQuery::new("openai", "my-deployment", NOW.parse().unwrap());
    assert!(family.find_again(&query, None).is_none());
}

#[test]
fn rows_are_the_same_in_every_version() {
    let same = PriceTable::is_same_row;
    assert!(same("genai-prices-0.1.0:openai/o3@2025-06-10", "genai-prices-0.2.1:openai/o3"));
    assert!(!same("genai-prices-0.2.1:openai/o3", "genai-prices-0.2.1:openai/o3#flex"));
    assert!(!same("genai-prices-0.2.1:openai/o3", "prices.toml-1:openai/o3"));
}
