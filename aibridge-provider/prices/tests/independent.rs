//! Compares costs with two independent computations: the `genai-prices` crate, which uses floating-point numbers, and
//! sums of decimal text as a person would write them down.

#![allow(clippy::unwrap_used, reason = "a test program, with helpers outside of the test functions")]

use aibridge_prices::{BilledUsage, Bucket, CostStatus, NanoUsd, Price, PriceQuery, PriceTable};
use genai_prices::{Calculator, PriceRequest};
use jiff::Timestamp;
use proptest::prelude::*;
use std::sync::LazyLock;
use std::time::SystemTime;

/// Every vendor and model of the bundled data that has a name of its own.
static MODELS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let models = PriceTable::built_in().models();
    models.map(|model| (model.vendor.to_owned(), model.model.to_owned())).collect()
});

fn usages() -> impl Strategy<Value = BilledUsage> {
    let count = || prop_oneof![Just(0_u64), 0..1_000_u64, 0..2_000_000_u64];
    (count(), count(), count(), count(), count(), count(), count(), 0..20_u64).prop_map(
        |(
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            audio_input,
            audio_output,
            web_searches,
        )| BilledUsage {
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            audio_input,
            audio_output,
            web_searches,
            file_searches: 0,
            requests: 1,
        },
    )
}

fn times() -> impl Strategy<Value = Timestamp> {
    (1_735_689_600..1_798_761_600_i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// The cost in dollars according to `genai-prices`; `None` where it refuses the usage.
fn reference(vendor: &str, model: &str, tier: &str, at: Timestamp, usage: &BilledUsage) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)] // the counts are small
    let counts: genai_prices::Usage = [
        ("input_tokens", usage.total_input()),
        ("output_tokens", usage.output + usage.audio_output),
        ("cache_read_tokens", usage.cache_read),
        ("cache_write_tokens", usage.cache_write_5m + usage.cache_write_1h),
        ("cache_write_1h_tokens", usage.cache_write_1h),
        ("input_audio_tokens", usage.audio_input),
        ("output_audio_tokens", usage.audio_output),
        ("web_searches", usage.web_searches),
    ]
    .into_iter()
    .map(|(key, count)| (genai_prices::UsageKey::from(key), count as f64))
    .collect();
    let (key, value) = if tier == "batch" { ("processing", tier) } else { ("service_tier", tier) };
    let request = PriceRequest::new(model, &counts)
        .with_provider_id(vendor)
        .with_timestamp(SystemTime::from(at))
        .with_price_context(key, value);
    Calculator::bundled().calculate(&request).ok().map(|price| price.total_price)
}

/// `usage` without the buckets that have no stated price.
fn only_stated(price: &Price<'_>, usage: BilledUsage) -> BilledUsage {
    let stated = |bucket, count| if price.rate(bucket).is_some() { count } else { 0 };
    BilledUsage {
        input: stated(Bucket::Input, usage.input),
        output: stated(Bucket::Output, usage.output),
        cache_read: stated(Bucket::CacheRead, usage.cache_read),
        cache_write_5m: stated(Bucket::CacheWrite5m, usage.cache_write_5m),
        cache_write_1h: stated(Bucket::CacheWrite1h, usage.cache_write_1h),
        audio_input: stated(Bucket::AudioInput, usage.audio_input),
        audio_output: stated(Bucket::AudioOutput, usage.audio_output),
        web_searches: stated(Bucket::WebSearch, usage.web_searches),
        ..usage
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_reference(
        index in any::<prop::sample::Index>(),
        tier in prop_oneof![Just("default"), Just("flex"), Just("batch"), Just("priority"), Just("fast")],
        at in times(),
        usage in usages(),
    ) {
        let (vendor, model) = index.get(&MODELS);
        let mut query = PriceQuery::new(vendor, model, at);
        query.service_tier = Some(tier);
        let Some(price) = PriceTable::built_in().find(&query) else { return Ok(()) };
        // What the table does not price for this model and tier is estimated, and the reference estimates otherwise.
        if price.is_estimated() {
            return Ok(());
        }
        let usage = only_stated(&price, usage);
        let Some(cost) = price.cost(&usage) else { return Ok(()) };
        prop_assert_eq!(cost.status, CostStatus::Priced);
        let Some(expected) = reference(vendor, model, tier, at, &usage) else { return Ok(()) };
        #[allow(clippy::cast_precision_loss)]
        let dollars = cost.amount.get() as f64 / 1e9;
        // The table rounds each price to whole pico-dollars for a token.
        #[allow(clippy::cast_precision_loss)]
        let rounding = (usage.total_input() + usage.output + usage.audio_output) as f64 * 0.5e-12;
        prop_assert!((dollars - expected).abs() <= 1e-9 + rounding + expected * 1e-12, "{vendor}/{model} {tier}: {dollars} {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_exact_and_free_of_order(
        prices in prop::collection::vec(0..100_000_000_u64, 7),
        usages in prop::collection::vec(usages(), 1..40),
        seed in any::<u64>(),
    ) {
        let text = |micro: u64| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        let names = ["input", "output", "cache_read", "cache_write", "cache_write_1h", "audio_input", "audio_output"];
        let rows = names.iter().zip(&prices).map(|(name, price)| format!("{name} = {}\n", text(*price)));
        let file = format!("[[price]]\nmodel = \"m\"\n{}web_search = 10\n", rows.collect::<String>());
        let table = PriceTable::with_overrides(aibridge_prices::Overrides::parse(&file).unwrap());
        let price = table.find(&PriceQuery::new("any", "m", Timestamp::UNIX_EPOCH)).unwrap();
        let mut sum = NanoUsd::ZERO;
        let mut expected: i128 = 0;
        for usage in &usages {
            sum = sum.saturating_add(price.cost(usage).unwrap().amount);
            let counts = [
                usage.input, usage.output, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h,
                usage.audio_input, usage.audio_output,
            ];
            // Micro-dollars for a million tokens are pico-dollars for one.
            let pico: i128 = counts.iter().zip(&prices).map(|(count, price)| i128::from(*count) * i128::from(*price)).sum();
            let pico = pico + i128::from(usage.web_searches) * 10_000_000_000;
            expected += (2 * pico + 1_000).div_euclid(2_000);
        }
        prop_assert_eq!(i128::from(sum.get()), expected);
        let mut shuffled = usages.clone();
        shuffled.rotate_left(usize::try_from(seed % usages.len() as u64).unwrap());
        shuffled.reverse();
        let again: NanoUsd = shuffled.iter().map(|usage| price.cost(usage).unwrap().amount).sum();
        prop_assert_eq!(sum, again);
    }
}
