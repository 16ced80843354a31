//! Computes the cost of recorded responses again, at current prices.

use crate::billing::Billing;
use crate::usage::billed_usage;
use aibridge_config::Config;
use aibridge_intercept::observer::{Searches, Usage};
use aibridge_prices::{BilledUsage, NanoUsd, PriceQuery, PriceTable};
use aibridge_recorder::{CostStatus, ExtraValue, UsageCost};
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The properties of a recorded response that decide its cost.
#[derive(Debug, Clone, Copy)]
pub struct PastUsage<'a> {
    /// The type of the provider.
    pub kind: &'a str,
    /// The configured name of the provider.
    pub provider: &'a str,
    /// The model in the request. That of the response is not recorded.
    pub model: &'a str,
    /// The time of the request.
    pub started_at: Timestamp,
    /// The reported tokens.
    pub usage: &'a Usage,
    /// The searches that the provider ran, if they are not among the counts of the usage.
    pub searches: Searches,
    /// The stored cost.
    pub charged: &'a UsageCost,
}

/// The result for a stored cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewCost {
    /// The current prices have another result.
    Changed(UsageCost),
    /// The current prices have the same result.
    Same,
    /// The stored cost is kept, because prices do not decide it.
    Kept(KeptReason),
}

/// The reason why prices do not decide a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptReason {
    /// The provider stated the cost.
    Stated,
    /// A subscription paid for the request.
    Subscription,
    /// There is no price, now as before.
    Unpriced,
    /// There is no price any more.
    NoPriceNow,
    /// The response has several parts, and only the sum of their counts is recorded.
    SeveralParts,
}

impl KeptReason {
    /// The reason in the words of a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stated => "stated by the provider",
            Self::Subscription => "paid by a subscription",
            Self::Unpriced => "without a price",
            Self::NoPriceNow => "without a price now",
            Self::SeveralParts => "of several parts",
        }
    }
}

/// Computes costs of recorded responses at the prices in force.
pub struct Repricing {
    table: PriceTable,
    billings: Vec<Billing>,
}

impl Repricing {
    /// Creates a computation with the prices and providers of the settings.
    pub fn new(config: &Config) -> Self {
        let table = config.prices.table.clone();
        let billings = config.providers.iter().map(|provider| Billing::of(provider, &table)).collect();
        Self { table, billings }
    }

    /// The cost of the response by the current table, at the prices for the time of its request.
    pub fn reprice(&self, past: &PastUsage<'_>) -> NewCost {
        let stored = past.charged;
        let price_id = stored.price_id.as_deref();
        if stored.cost_status == CostStatus::Subscription {
            return NewCost::Kept(KeptReason::Subscription);
        }
        if price_id == Some(crate::pricing::STATED_BY_PROVIDER) {
            return NewCost::Kept(KeptReason::Stated);
        }
        if price_id.is_some_and(|id| id.contains(',')) {
            return NewCost::Kept(KeptReason::SeveralParts);
        }
        match self.cost(past) {
            Some(cost) if is_same(&cost, stored) => NewCost::Same,
            Some(cost) => NewCost::Changed(cost),
            None if stored.cost_nano_usd.is_some() => NewCost::Kept(KeptReason::NoPriceNow),
            None => NewCost::Kept(KeptReason::Unpriced),
        }
    }

    /// The cost that would be stored; `None` without a price.
    fn cost(&self, past: &PastUsage<'_>) -> Option<UsageCost> {
        let stored = past.charged;
        let billing = self.billing(past);
        if billing.is_subscription {
            let (cost_nano_usd, cost_status) = (Some(0), CostStatus::Subscription);
            return Some(UsageCost { cost_nano_usd, cost_status, price_id: None, ..stored.clone() });
        }
        if let Some(stated) = past.usage.cost.as_ref().and_then(|cost| NanoUsd::parse_dollars(cost).ok()) {
            let price_id = Some(crate::pricing::STATED_BY_PROVIDER.to_owned());
            let (cost_nano_usd, cost_status) = (Some(stated.get()), CostStatus::Priced);
            return Some(UsageCost { cost_nano_usd, cost_status, price_id, ..stored.clone() });
        }
        let query = PriceQuery {
            provider_name: &billing.provider,
            service_tier: crate::usage::tier_of(past.usage),
            ..PriceQuery::new(&billing.vendor, past.model, past.started_at)
        };
        let price = self.table.find_again(&query, stored.price_id.as_deref())?;
        let counts = counts(past);
        let cost = price.cost(&counts)?;
        let is_estimate = stored.is_estimate()
            || cost.status == aibridge_prices::CostStatus::Estimated
            || is_still_estimated(stored, price.id(), &counts);
        let cost_status = match cost.status {
            aibridge_prices::CostStatus::Subscription => CostStatus::Subscription,
            _ if is_estimate => CostStatus::Estimated,
            _ => CostStatus::Priced,
        };
        let (cost_nano_usd, price_id) = (Some(cost.amount.get()), Some(price.id().to_owned()));
        Some(UsageCost { cost_nano_usd, cost_status, price_id, ..stored.clone() })
    }

    fn billing(&self, past: &PastUsage<'_>) -> Billing {
        let found = self.billings.iter().find(|billing| billing.provider == past.provider);
        found.cloned().unwrap_or_else(|| Billing {
            provider: past.provider.to_owned(),
            vendor: past.kind.to_owned(),
            is_subscription: false,
        })
    }
}

/// Whether a cost is the stored one, at the same row of any version of the table. The stored price id explains it as well.
fn is_same(new: &UsageCost, stored: &UsageCost) -> bool {
    let is_same_row = match (&new.price_id, &stored.price_id) {
        (Some(new), Some(stored)) => PriceTable::is_same_row(new, stored),
        (new, stored) => new == stored,
    };
    is_same_row && UsageCost { price_id: stored.price_id.clone(), ..new.clone() } == *stored
}

/// Whether a cost at the same row stays an estimate for a reason that is not recorded: the price table knew the model by the
/// name in the request alone.
fn is_still_estimated(stored: &UsageCost, price_id: &str, counts: &BilledUsage) -> bool {
    let only_plain = BilledUsage {
        input: counts.input,
        output: counts.output,
        requests: counts.requests,
        ..BilledUsage::default()
    };
    let is_same_row = || stored.price_id.as_deref().is_some_and(|id| PriceTable::is_same_row(id, price_id));
    stored.cost_status == CostStatus::Estimated && *counts == only_plain && is_same_row()
}

/// The buckets that were charged. Estimates replace missing counts.
fn counts(past: &PastUsage<'_>) -> BilledUsage {
    let mut counts = billed_usage(past.usage);
    let estimate = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
    counts.input = estimate(past.charged.estimated_input_tokens).unwrap_or(counts.input);
    counts.output = estimate(past.charged.estimated_output_tokens).unwrap_or(counts.output);
    let counted = past.usage.extra.get("web_search_requests").and_then(ExtraValue::count);
    counts.web_searches = counted.map_or(past.searches.web, |count| u64::try_from(count).unwrap_or(0));
    counts.file_searches = past.searches.file;
    counts.requests = 1;
    counts
}

/// The usage of a row of `aibridge_token_usages`: input, output, cache reads and cache writes, and further counts and
/// properties as a JSON object.
pub fn recorded_usage(tokens: [i64; 4], extra_token_types: &str) -> Usage {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(extra_token_types).unwrap_or_default();
    let [input, output, cache_read, cache_write] = tokens;
    let value = |raw: &RawValue| serde_json::from_str::<ExtraValue>(raw.get()).ok();
    Usage {
        input,
        output,
        cache_read,
        cache_write,
        cost: members.get("cost").map(|cost| cost.get().to_owned()),
        extra: members
            .iter()
            .filter(|(name, _)| *name != "cost")
            .filter_map(|(name, raw)| Some((name.clone(), value(raw)?)))
            .collect(),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests;
