//! The [`CostMeter`] of one interception.

use crate::billing::Billing;
use crate::pricing::PricingInput;
use crate::shared::Shared;
use aibridge_budgets::{Reservation, Subject};
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::cost::{CostMeter, ResponseProgress};
use aibridge_prices::{NanoUsd, PriceTable};
use aibridge_recorder::{Interception, UsageCost};
use jiff::Timestamp;
use std::sync::Arc;

/// Prices the response of an interception, and charges the budgets that its reservation belongs to.
pub(crate) struct Meter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) table: PriceTable,
    pub(crate) billing: Billing,
    pub(crate) is_subscription: bool,
    pub(crate) request_bytes: u64,
    /// `None` if the request does not count against budgets.
    pub(crate) reservation: Option<Reservation>,
}

impl CostMeter for Meter {
    fn measure(
        &mut self,
        interception: &Interception,
        summary: &ResponseSummary,
        progress: ResponseProgress,
        now: Timestamp,
    ) -> Option<UsageCost> {
        let input = PricingInput {
            table: &self.table,
            billing: &self.billing,
            interception,
            is_subscription: self.is_subscription,
            request_bytes: self.request_bytes,
        };
        let cost = input.cost(summary, progress)?;
        let reservation = self.reservation.take();
        if let (Some(reservation), Some(nano)) = (reservation, cost.cost_nano_usd) {
            let warnings = reservation.settle(NanoUsd::new(nano), now);
            self.shared.publish_warnings(&warnings);
        }
        Some(cost)
    }
}

/// The subject of an interception.
pub(crate) fn subject<'a>(interception: &'a Interception, groups: &'a [String]) -> Subject<'a> {
    Subject {
        user: &interception.initiator_id,
        groups,
        key: crate::request::key_of(&interception.metadata),
        model: &interception.model,
        provider: &interception.provider_name,
    }
}
