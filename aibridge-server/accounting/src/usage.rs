//! The reported token counts as disjoint buckets.

use aibridge_intercept::ResponseSummary;
use aibridge_intercept::observer::{Searches, Usage};
use aibridge_prices::BilledUsage;
use aibridge_recorder::ExtraValue;

/// Characters in one token of English text, roughly. Used where the provider reported no count.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// The tokens of a text with this many characters or bytes, rounded up.
pub(crate) const fn estimated_tokens(characters: u64) -> u64 {
    characters.div_ceil(CHARACTERS_PER_TOKEN)
}

/// The buckets of a reported usage, without searches.
///
/// Written cache tokens that are not reported as one-hour writes count as five-minute writes. The reported input and
/// output include audio, so audio is subtracted from them.
pub(crate) fn billed_usage(usage: &Usage) -> BilledUsage {
    let extra = |name| count(usage.extra.get(name).and_then(ExtraValue::count).unwrap_or(0));
    let (input, output, written) = (count(usage.input), count(usage.output), count(usage.cache_write));
    let audio_input = extra("prompt_audio").min(input);
    let audio_output = extra("completion_audio").min(output);
    let cache_write_1h = extra("cache_write_1h").min(written);
    BilledUsage {
        input: input - audio_input,
        output: output - audio_output,
        cache_read: count(usage.cache_read),
        cache_write_5m: written - cache_write_1h,
        cache_write_1h,
        audio_input,
        audio_output,
        ..BilledUsage::default()
    }
}

/// The searches that the provider ran. Providers charge for each search.
pub(crate) fn searches(summary: &ResponseSummary) -> Searches {
    let counted = summary.usage.as_ref().and_then(|usage| usage.extra.get("web_search_requests")?.count());
    Searches { web: counted.map_or(summary.searches.web, count), ..summary.searches }
}

/// The service tier that the response names.
pub(crate) fn service_tier(summary: &ResponseSummary) -> Option<&str> {
    summary.usage.as_ref().and_then(tier_of).or(summary.service_tier.as_deref())
}

/// The service tier among the properties of a usage. `speed` is Anthropic's name for a faster tier.
pub(crate) fn tier_of(usage: &Usage) -> Option<&str> {
    let property = |name| usage.extra.get(name)?.text();
    let is_fast = property("speed").is_some_and(|speed| speed == "fast");
    if is_fast { Some("fast") } else { property("service_tier") }
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: i64, output: i64, cache_write: i64, extra: &[(&str, i64)]) -> Usage {
        let extra =
            extra.iter().map(|(name, count)| ((*name).to_owned(), ExtraValue::Count(*count))).collect();
        Usage { input, output, cache_write, extra, cache_read: 7, ..Usage::default() }
    }

    #[test]
    fn every_token_counts_in_one_bucket() {
        let reported = usage(
            100,
            50,
            30,
            &[
                ("prompt_audio", 40),
                ("completion_audio", 60),
                ("cache_write_1h", 10),
                ("total_tokens", 9_999),
            ],
        );
        let expected = BilledUsage {
            input: 60,
            output: 0,
            cache_read: 7,
            cache_write_5m: 20,
            cache_write_1h: 10,
            audio_input: 40,
            audio_output: 50,
            ..BilledUsage::default()
        };
        assert_eq!(billed_usage(&reported), expected);
        assert_eq!(
            billed_usage(&usage(-1, -1, -1, &[])),
            BilledUsage { cache_read: 7, ..BilledUsage::default() }
        );
    }
}
