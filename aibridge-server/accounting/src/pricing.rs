//! Computes the cost of a response: as the provider states it, by the price table, or by an estimate.

use crate::billing::Billing;
use crate::usage::{billed_usage, estimated_tokens, searches, service_tier};
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::cost::ResponseProgress;
use aibridge_intercept::observer::{Ending, UsagePart};
use aibridge_prices::{BilledUsage, ExactCost, NanoUsd, PriceQuery, PriceTable};
use aibridge_recorder::{CostStatus, Interception, UsageCost};

/// The price id of a cost that the provider stated.
pub(crate) const STATED_BY_PROVIDER: &str = "provider";

/// The most rows that a price id lists: one for each part of a response, although several parts may have the same. So it
/// shows that the recorded counts are a sum, to which context tiers do not apply.
const MAX_ROWS_IN_ID: usize = 4;

/// The inputs for the price of one response: the table, and the attributes of its request.
pub(crate) struct PricingInput<'a> {
    pub(crate) table: &'a PriceTable,
    pub(crate) billing: &'a Billing,
    pub(crate) interception: &'a Interception,
    pub(crate) is_subscription: bool,
    /// The size of the request in bytes, from which its tokens are estimated.
    pub(crate) request_bytes: u64,
}

/// Estimated token counts of a response with missing or incomplete usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Estimate {
    input: Option<u64>,
    output: Option<u64>,
}

impl PricingInput<'_> {
    /// The cost of a response; `None` if there is nothing to charge.
    pub(crate) fn cost(&self, summary: &ResponseSummary, progress: ResponseProgress) -> Option<UsageCost> {
        let estimate = self.estimate(summary, progress);
        if summary.usage.is_none() && estimate == Estimate::default() {
            return None;
        }
        let signed = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let cost = UsageCost {
            estimated_input_tokens: signed(estimate.input),
            estimated_output_tokens: signed(estimate.output),
            ..UsageCost::default()
        };
        if self.is_subscription || self.billing.is_subscription {
            let (cost_nano_usd, cost_status) = (Some(0), CostStatus::Subscription);
            return Some(UsageCost { cost_nano_usd, cost_status, ..cost });
        }
        let stated =
            summary.usage.as_ref().and_then(|usage| NanoUsd::parse_dollars(usage.cost.as_ref()?).ok());
        if let Some(stated) = stated {
            let (cost_nano_usd, price_id) = (Some(stated.get()), Some(STATED_BY_PROVIDER.to_owned()));
            return Some(UsageCost { cost_nano_usd, price_id, cost_status: CostStatus::Priced, ..cost });
        }
        let Some((exact, ids)) = self.exact(summary, estimate) else { return Some(cost) };
        let rounded = exact.round();
        let cost_status = match rounded.status {
            _ if cost.is_estimate() => CostStatus::Estimated,
            aibridge_prices::CostStatus::Estimated => CostStatus::Estimated,
            aibridge_prices::CostStatus::Subscription => CostStatus::Subscription,
            aibridge_prices::CostStatus::Priced | aibridge_prices::CostStatus::Unpriced => CostStatus::Priced,
        };
        let (cost_nano_usd, price_id) = (Some(rounded.amount.get()), Some(ids.join(",")));
        Some(UsageCost { cost_nano_usd, cost_status, price_id, ..cost })
    }

    /// Estimates the counts of a stream that broke off before its usage arrived. A stream that reports its usage repeatedly
    /// and broke off is charged at least for the text that was relayed.
    fn estimate(&self, summary: &ResponseSummary, progress: ResponseProgress) -> Estimate {
        let has_generated = summary.ending != Ending::Failed || summary.characters > 0;
        if !progress.is_success || progress.is_complete || !self.interception.streaming || !has_generated {
            return Estimate::default();
        }
        if summary.ending == Ending::Complete && summary.usage.is_some() {
            return Estimate::default();
        }
        let reported = summary.usage.as_ref().map(billed_usage).unwrap_or_default();
        let output = estimated_tokens(summary.characters);
        Estimate {
            input: (reported.total_input() == 0).then(|| estimated_tokens(self.request_bytes)),
            output: (output > reported.output || summary.usage.is_none()).then_some(output),
        }
    }

    /// The exact cost by the price table, and the ids of the rows; `None` if a part has no price.
    fn exact(&self, summary: &ResponseSummary, estimate: Estimate) -> Option<(ExactCost, Vec<String>)> {
        let usage = summary.usage.as_ref();
        let whole = [UsagePart { model: None, usage: usage.cloned().unwrap_or_default() }];
        let parts = match usage.map(|usage| &usage.parts[..]) {
            Some(parts) if !parts.is_empty() => parts,
            _ => &whole,
        };
        let searches = searches(summary);
        let mut sum: Option<ExactCost> = None;
        let mut ids: Vec<String> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let mut counts = billed_usage(&part.usage);
            if index == 0 {
                counts.web_searches = searches.web;
                counts.file_searches = searches.file;
                counts.requests = 1;
                counts.input = estimate.input.unwrap_or(counts.input);
                counts.output = estimate.output.unwrap_or(counts.output);
            }
            let (cost, id) = self.part(summary, part, &counts)?;
            sum = Some(sum.map_or(cost, |sum| sum.plus(cost)));
            if ids.len() < MAX_ROWS_IN_ID {
                ids.push(id);
            }
        }
        Some((sum?, ids))
    }

    fn part(
        &self,
        summary: &ResponseSummary,
        part: &UsagePart,
        counts: &BilledUsage,
    ) -> Option<(ExactCost, String)> {
        let query = PriceQuery {
            provider_name: &self.billing.provider,
            response_model: part.model.as_deref().or(summary.model.as_deref()),
            service_tier: service_tier(summary),
            ..PriceQuery::new(&self.billing.vendor, &self.interception.model, self.interception.started_at)
        };
        let price = self.table.find(&query)?;
        Some((price.exact_cost(counts)?, price.id().to_owned()))
    }

    /// The estimated cost of the input, from the size of the request; `None` without a price.
    pub(crate) fn input_cost(&self) -> Option<NanoUsd> {
        if self.is_subscription || self.billing.is_subscription {
            return Some(NanoUsd::ZERO);
        }
        let query = PriceQuery {
            provider_name: &self.billing.provider,
            ..PriceQuery::new(&self.billing.vendor, &self.interception.model, self.interception.started_at)
        };
        let counts = BilledUsage {
            input: estimated_tokens(self.request_bytes),
            requests: 1,
            ..BilledUsage::default()
        };
        Some(self.table.find(&query)?.cost(&counts)?.amount)
    }
}

#[cfg(test)]
mod tests;
