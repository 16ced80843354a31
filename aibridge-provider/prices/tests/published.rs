//! Examples from the price pages of the vendors, to the cent.

use aibridge_prices::{BilledUsage, CostStatus, NanoUsd, PriceQuery, PriceTable};

const M: u64 = 1_000_000;
const NOW: &str = "2026-11-01T12:00:00Z";

#[test]
fn costs_what_the_price_pages_say() {
    let none = BilledUsage::default();
    let table = [
        ("openai", "gpt-4.1", "", NOW, BilledUsage { input: M, output: M, ..none }, "10.00"),
        ("openai", "gpt-4.1-2025-04-14", "default", NOW, BilledUsage { cache_read: M, ..none }, "0.50"),
        ("openai", "gpt-4o-2024-08-06", "", NOW, BilledUsage { input: M, output: M, ..none }, "12.50"),
        ("openai", "gpt-4o-mini", "", NOW, BilledUsage { input: M, output: M, ..none }, "0.75"),
        (
            "openai",
            "gpt-5",
            "",
            NOW,
            BilledUsage { input: 2 * M, cache_read: 8 * M, output: M, ..none },
            "13.50",
        ),
        ("openai", "o3", "", NOW, BilledUsage { input: M, output: M, ..none }, "10.00"),
        ("openai", "o3", "", "2025-06-09T23:59:59Z", BilledUsage { input: M, output: M, ..none }, "50.00"),
        ("openai", "o3", "flex", NOW, BilledUsage { input: M, output: M, ..none }, "5.00"),
        ("openai", "gpt-5", "batch", NOW, BilledUsage { input: 2 * M, output: 2 * M, ..none }, "11.25"),
        ("openai", "gpt-5", "priority", NOW, BilledUsage { input: M, output: M, ..none }, "22.50"),
        ("openai", "gpt-5.4", "", NOW, BilledUsage { input: 272_000, output: 100_000, ..none }, "2.18"),
        ("openai", "gpt-5.4", "", NOW, BilledUsage { input: 300_000, output: 100_000, ..none }, "3.75"),
        ("openai", "gpt-5.4", "", NOW, BilledUsage { input: 100_000, cache_read: 200_000, ..none }, "0.60"),
        ("openai", "text-embedding-3-small", "", NOW, BilledUsage { input: 50 * M, ..none }, "1.00"),
        ("openai", "gpt-audio", "", NOW, BilledUsage { audio_input: M, audio_output: M, ..none }, "96.00"),
        ("openai", "gpt-4.1", "", NOW, BilledUsage { web_searches: 100, file_searches: 400, ..none }, "2.00"),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            "",
            NOW,
            BilledUsage { input: M / 10, output: 50_000, ..none },
            "1.05",
        ),
        (
            "anthropic",
            "claude-sonnet-4-5",
            "",
            NOW,
            BilledUsage { input: 250_000, output: 100_000, ..none },
            "3.75",
        ),
        (
            "anthropic",
            "claude-opus-4-5",
            "",
            NOW,
            BilledUsage { cache_write_5m: M, cache_read: 10 * M, ..none },
            "11.25",
        ),
        ("anthropic", "claude-opus-4-5", "standard", NOW, BilledUsage { cache_write_1h: M, ..none }, "10.00"),
        ("anthropic", "claude-haiku-4-5", "batch", NOW, BilledUsage { input: M, output: M, ..none }, "3.00"),
        (
            "anthropic",
            "claude-haiku-4-5",
            "",
            NOW,
            BilledUsage { input: M, web_searches: 1_000, ..none },
            "11.00",
        ),
    ];
    for (vendor, model, tier, at, usage, dollars) in table {
        let mut query = PriceQuery::new(vendor, model, at.parse().unwrap());
        query.service_tier = Some(tier);
        let price = PriceTable::built_in().find(&query).unwrap();
        let cost = price.cost(&usage).unwrap();
        assert_eq!(cost.amount.to_decimal(), dollars, "{model} {tier} {usage:?}");
        assert_eq!(cost.status, CostStatus::Priced, "{model} {tier} {usage:?}");
    }
}

#[test]
fn estimates_what_has_no_price_of_its_own() {
    let none = BilledUsage::default();
    let table = [
        // Anthropic states multipliers of the input price for its caches.
        ("anthropic", "claude-2", "", BilledUsage { cache_write_5m: M, ..none }, "10.00"),
        ("anthropic", "claude-2", "", BilledUsage { cache_write_1h: M, ..none }, "16.00"),
        ("anthropic", "claude-2", "", BilledUsage { cache_read: M, ..none }, "0.80"),
        // Half the price for batches of a model without a row for them.
        ("anthropic", "claude-2", "batch", BilledUsage { input: M, ..none }, "4.00"),
        ("openai", "gpt-4o", "flex", BilledUsage { input: M, ..none }, "1.25"),
        ("openai", "gpt-4", "", BilledUsage { cache_read: M, ..none }, "30.00"),
        ("openai", "gpt-4", "gold", BilledUsage { input: M, ..none }, "30.00"),
        (
            "openai",
            "gpt-4o-audio-preview",
            "",
            BilledUsage { audio_input: M, audio_output: M, ..none },
            "12.50",
        ),
    ];
    for (vendor, model, tier, usage, dollars) in table {
        let mut query = PriceQuery::new(vendor, model, NOW.parse().unwrap());
        query.service_tier = Some(tier);
        let cost = PriceTable::built_in().find(&query).unwrap().cost(&usage).unwrap();
        assert_eq!(
            (cost.amount.to_decimal().as_str(), cost.status),
            (dollars, CostStatus::Estimated),
            "{model}"
        );
    }
}

#[test]
fn has_no_price_for_unknown_models_and_units() {
    let table = PriceTable::built_in();
    let at = NOW.parse().unwrap();
    assert!(table.find(&PriceQuery::new("openai", "not-a-model", at)).is_none());
    assert!(table.find(&PriceQuery::new("nobody", "gpt-4.1", at)).is_none());
    let whisper = table.find(&PriceQuery::new("openai", "whisper-1", at)).unwrap();
    assert_eq!(
        whisper.cost(&BilledUsage { input: 1, ..BilledUsage::default() }),
        None,
        "it is priced by the hour"
    );
}

#[test]
fn looks_a_model_up_by_the_response_then_by_the_request() {
    let table = PriceTable::built_in();
    let mut query = PriceQuery::new("openai", "gpt-4.1", NOW.parse().unwrap());
    query.response_model = Some("gpt-4.1-mini-2025-04-14");
    let price = table.find(&query).unwrap();
    assert_eq!((price.id(), price.is_estimated()), ("genai-prices-0.2.1:openai/gpt-4.1-mini", false));
    query.response_model = Some("deployment-7");
    let price = table.find(&query).unwrap();
    assert_eq!((price.id(), price.is_estimated()), ("genai-prices-0.2.1:openai/gpt-4.1", true));
}

#[test]
fn finds_vendors_by_url_and_by_name() {
    let table = PriceTable::built_in();
    let urls = [
        ("https://api.openai.com/v1/", Some("openai")),
        ("https://api.anthropic.com/", Some("anthropic")),
        ("https://openrouter.ai/api/v1", Some("openrouter")),
        ("https://company.openai.azure.com/openai/v1/", Some("azure")),
        ("http://127.0.0.1:8000/v1", None),
    ];
    for (url, expected) in urls {
        assert_eq!(table.vendor_of_url(url), expected, "{url}");
    }
    let names = [("xai", "x-ai"), ("gemini", "google"), ("moonshot", "moonshotai"), ("groq", "groq")];
    for (name, expected) in names {
        assert_eq!(table.vendor_of_name(name), Some(expected), "{name}");
    }
    let azure = PriceQuery::new("azure", "claude-opus-4-5", NOW.parse().unwrap());
    assert_eq!(table.find(&azure).unwrap().id(), "genai-prices-0.2.1:anthropic/claude-opus-4-5");
}

#[test]
fn prints_an_id_for_each_row() {
    let table = PriceTable::built_in();
    let mut query = PriceQuery::new("openai", "o3", NOW.parse().unwrap());
    assert_eq!(table.find(&query).unwrap().id(), "genai-prices-0.2.1:openai/o3@2025-06-10");
    query.service_tier = Some("FLEX");
    assert_eq!(table.find(&query).unwrap().id(), "genai-prices-0.2.1:openai/o3@2025-06-10#flex");
    assert_eq!(table.service_tiers(&query), ["batch", "fast", "flex", "priority"]);
}

#[test]
fn rounds_once_and_half_up() {
    // 0.1 / 1M tokens is 100,000 pico-dollars for a token: 100 nano-dollars. 0.0375 is 37.5 nano-dollars.
    let overrides = "[[price]]\nmodel = \"m\"\ninput = 0.0375\noutput = 0.0004";
    let table = PriceTable::with_overrides(aibridge_prices::Overrides::parse(overrides).unwrap());
    let price = table.find(&PriceQuery::new("any", "m", NOW.parse().unwrap())).unwrap();
    let nano =
        |input, output| price.cost(&BilledUsage { input, output, ..BilledUsage::default() }).unwrap().amount;
    assert_eq!(nano(1, 0), NanoUsd::new(38));
    assert_eq!(nano(2, 0), NanoUsd::new(75));
    assert_eq!(nano(1, 1), NanoUsd::new(38));
    assert_eq!(nano(0, 1), NanoUsd::ZERO);
}
