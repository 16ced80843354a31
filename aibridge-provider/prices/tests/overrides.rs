//! Price files: what their rows change, and how mistakes are reported.

#![allow(clippy::unwrap_used, reason = "a test program, with helpers outside of the test functions")]

use aibridge_prices::{BilledUsage, CostStatus, Overrides, PriceQuery, PriceTable};

const MILLION: BilledUsage = BilledUsage {
    input: 1_000_000,
    output: 1_000_000,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    audio_input: 0,
    audio_output: 0,
    web_searches: 0,
    file_searches: 0,
    requests: 0,
};

const FILE: &str = r#"
version = "7"

[[price]]
provider = "openai"
model = "gpt-4.1*"
input = 1
output = "3.5"
above = [{ input_tokens = 2_000_000, input = 2 }]

[[price]]
provider = "openai"
model = "gpt-4.1"
from = 2026-12-01
input = 0.5
output = 0.5

[[price]]
model = "gpt-4.1"
provider = "openai"
service_tier = "flex"
input = 0.25

[[price]]
provider = "Anthropic"
model = "*"
multiplier = 0.9

[[price]]
provider = "team"
model = "*"
subscription = true

[[price]]
model = "*-internal"
input = 0
output = 0
"#;

fn cost(
    provider_name: &str,
    vendor: &str,
    model: &str,
    tier: &str,
    at: &str,
) -> (String, CostStatus, String) {
    let table = PriceTable::with_overrides(Overrides::parse(FILE).unwrap());
    let mut query = PriceQuery::new(vendor, model, at.parse().unwrap());
    query.provider_name = provider_name;
    query.service_tier = Some(tier);
    let price = table.find(&query).unwrap();
    let cost = price.cost(&MILLION).unwrap();
    (cost.amount.to_decimal(), cost.status, price.id().to_owned())
}

#[test]
fn rows_replace_prices() {
    let november = "2026-11-30T23:59:59Z";
    let december = "2026-12-01T00:00:00Z";
    let priced = CostStatus::Priced;
    let table = [
        (("openai", "openai", "GPT-4.1", "", november), ("4.50", priced, "prices.toml-7:openai/gpt-4.1*")),
        (
            ("openai", "openai", "gpt-4.1", "", december),
            ("1.00", priced, "prices.toml-7:openai/gpt-4.1@2026-12-01"),
        ),
        (
            ("openai", "openai", "gpt-4.1", "flex", november),
            ("3.75", priced, "prices.toml-7:openai/gpt-4.1*+prices.toml-7:openai/gpt-4.1#flex"),
        ),
        (
            ("openai", "openai", "gpt-4.1", "batch", november),
            ("4.50", CostStatus::Estimated, "prices.toml-7:openai/gpt-4.1*~batch"),
        ),
        (
            ("claude", "anthropic", "claude-haiku-4-5", "", november),
            ("5.40", priced, "genai-prices-0.2.1:anthropic/claude-haiku-4-5+prices.toml-7:Anthropic/*"),
        ),
        (("any", "none", "x-internal", "", november), ("0.00", priced, "prices.toml-7:*-internal")),
        (
            ("team", "openai", "gpt-5", "", november),
            ("0.00", CostStatus::Subscription, "prices.toml-7:team/*"),
        ),
    ];
    for ((name, vendor, model, tier, at), (dollars, status, id)) in table {
        let expected = (dollars.to_owned(), status, id.to_owned());
        assert_eq!(cost(name, vendor, model, tier, at), expected, "{name} {model} {tier} {at}");
    }
}

#[test]
fn reports_every_mistake_with_its_line() {
    let table = [
        ("x = 1", "line 1: unknown key `x`"),
        ("[[price]]\ninput = 1", "line 1: model is missing"),
        ("[[price]]\nmodel = \"a*b\"\ninput = 1", "line 2: model may contain `*`"),
        ("[[price]]\nmodel = \"a\"", "line 1: the row states nothing"),
        (
            "[[price]]\nmodel = \"a\"\ninput = -1",
            "line 3: input: \"-1\" is not a non-negative decimal number",
        ),
        ("[[price]]\nmodel = \"a\"\ninput = nan", "line 3: input: \"nan\""),
        ("[[price]]\nmodel = \"a\"\ninput = 0x10", "line 3: input must be a decimal number"),
        ("[[price]]\nmodel = \"a\"\ninputs = 1", "line 3: unknown key `inputs`: use provider, model"),
        ("[[price]]\nmodel = \"a\"\nmultiplier = 1\ninput = 1", "line 1: write either multiplier or prices"),
        ("[[price]]\nmodel = \"a\"\nsubscription = true\ninput = 1", "line 1: write either subscription or"),
        (
            "[[price]]\nmodel = \"a\"\nsubscription = true\nmultiplier = 1",
            "line 1: write either multiplier or",
        ),
        ("[[price]]\nmodel = \"a\"\ninput = 1\nfrom = \"soon\"", "line 4: from must be a date"),
        (
            "[[price]]\nmodel = \"a\"\ninput = 1\nabove = [{ input_tokens = 5, output = 1 }]",
            "line 4: above states output without a price",
        ),
        ("[[price]\n", "TOML parse error"),
    ];
    for (text, expected) in table {
        let error = Overrides::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    let two = "[[price]]\nmodel = \"a\"\ninput = -1\n[[price]]\nmodel = \"b\"\noutput = -1";
    assert_eq!(Overrides::parse(two).unwrap_err().0.len(), 2);
}

#[test]
fn names_the_rows_that_apply_to_nothing() {
    let rows = r#"
[[price]]
provider = "Team"
model = "a"
input = 1
[[price]]
provider = "anthropic"
model = "a"
service_tier = "Flex"
input = 1
[[price]]
provider = "opneai"
model = "gpt-*"
input = 1
[[price]]
model = "b"
service_tier = "default"
input = 1
[[price]]
model = "c"
service_tier = "flx"
input = 1
"#;
    let table = PriceTable::with_overrides(Overrides::parse(rows).unwrap());
    let found = table.unused_rows(&[("team", "openai"), ("claude", "anthropic")]);
    assert_eq!(found.len(), 3, "{found:?}");
    for (problem, words) in found.iter().zip([
        "the price of opneai/gpt-* applies to nothing: no provider here is called \"opneai\" or is of that vendor; write one of",
        "the price of b applies to nothing: \"default\" is the standard service tier; leave service_tier out",
        "the price of c may apply to nothing: no vendor is known to have a service tier \"flx\"; known are",
    ]) {
        assert!(problem.starts_with(words), "{problem}");
    }
    assert!(PriceTable::built_in().unused_rows(&[]).is_empty());
}
