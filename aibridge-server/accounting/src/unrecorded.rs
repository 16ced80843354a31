//! The cost of a response that is relayed without being recorded.

use crate::billing::Billing;
use crate::request::key_of;
use crate::usage::billed_usage;
use aibridge_budgets::Subject;
use aibridge_intercept::Actor;
use aibridge_intercept::observer::Usage;
use aibridge_prices::{BilledUsage, NanoUsd, PriceQuery, PriceTable};
use aibridge_recorder::CredentialKind;
use jiff::Timestamp;

/// The usage of a response that is relayed without being recorded.
#[derive(Debug, Clone, Copy)]
pub struct UnrecordedUsage<'a> {
    /// The configured name of the provider.
    pub provider: &'a str,
    /// The actor on whose behalf the request was made.
    pub actor: &'a Actor,
    /// The kind of credential that authenticated the upstream request.
    pub credential: CredentialKind,
    /// The model that the response names.
    pub model: Option<&'a str>,
    /// The tokens of the response.
    pub usage: &'a Usage,
}

impl UnrecordedUsage<'_> {
    /// The cost that the provider states, else the cost by the price table; `None` without either, or with a subscription.
    pub(crate) fn cost(&self, billing: &Billing, table: &PriceTable, now: Timestamp) -> Option<NanoUsd> {
        if billing.is_subscription {
            return Some(NanoUsd::ZERO);
        }
        let stated = self.usage.cost.as_ref().and_then(|cost| NanoUsd::parse_dollars(cost).ok());
        stated.or_else(|| {
            let query = PriceQuery {
                provider_name: &billing.provider,
                ..PriceQuery::new(&billing.vendor, self.model?, now)
            };
            let counts = BilledUsage { requests: 1, ..billed_usage(self.usage) };
            Some(table.find(&query)?.cost(&counts)?.amount)
        })
    }

    /// The actor, key, model and provider that the cost is charged to.
    pub(crate) fn subject<'s>(&'s self, groups: &'s [String]) -> Subject<'s> {
        Subject {
            user: &self.actor.id,
            groups,
            key: key_of(&self.actor.metadata),
            model: self.model.unwrap_or_default(),
            provider: self.provider,
        }
    }
}
