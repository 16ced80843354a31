//! The state that a reload keeps: what was spent, and the last refusals.

use crate::refusals::RecentRefusals;
use aibridge_budgets::{BudgetState, Ledger, Warning};
use aibridge_intercept::events::{EventSink, InterceptionEvent};
use std::sync::Arc;

/// The state that a reload keeps.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) refusals: RecentRefusals,
    pub(crate) events: Arc<dyn EventSink>,
}

impl Shared {
    /// Logs and counts budgets that reached a warning threshold.
    pub(crate) fn publish_warnings(&self, warnings: &[Warning]) {
        for Warning { percent, state } in warnings {
            let BudgetState { scope, name, group, amount, period, spent, resets_at, .. } = state;
            let amount = amount.unwrap_or_default();
            tracing::warn!(
                scope = scope.as_str(), name, group, %amount, %spent, period = period.as_str(), %resets_at,
                "{percent} % of a budget is spent; raise its amount, or requests will be refused"
            );
            let (scope, percent) = (scope.as_str(), *percent);
            self.events.on_event(&InterceptionEvent::BudgetWarning { scope, percent });
        }
    }
}
