//! The results for callers: refusals, warnings and the states of budgets.

use crate::{Period, Scope};
use aibridge_prices::NanoUsd;
use jiff::Timestamp;
use std::fmt;

/// The refusal of a request by a budget. It contains no user name, so that it can be shown to any client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The scope of the budget.
    pub scope: Scope,
    /// The amount of the budget.
    pub amount: NanoUsd,
    /// The spending in the current window.
    pub spent: NanoUsd,
    /// The reservations of requests in flight.
    pub reserved: NanoUsd,
    /// The amount that the request would have reserved; zero if it was not read.
    pub reservation: NanoUsd,
    /// The period of the budget.
    pub period: Period,
    /// The end of the current window.
    pub resets_at: Timestamp,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { amount, spent, reserved, reservation, resets_at, .. } = self;
        let (scope, period) = (self.scope.as_str(), self.period.as_str());
        write!(f, "The {scope} budget of {amount} per {period} ")?;
        let left = amount.saturating_sub(*spent).saturating_sub(*reserved);
        if left > NanoUsd::ZERO {
            write!(f, "has {left} left, and a request like this one needs about {reservation}: ")?;
        } else {
            f.write_str("is used up: ")?;
        }
        write!(f, "{spent} spent, {reserved} reserved. It resets at {resets_at}.")
    }
}

/// A budget that reached a warning threshold for the first time in its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The threshold that was reached, in percent of the amount: 75 or 95.
    pub percent: u8,
    /// The budget, including the cost that reached the threshold.
    pub state: BudgetState,
}

/// A budget, and what was spent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The scope of the budget.
    pub scope: Scope,
    /// The name in the settings, or `*`.
    pub budget: String,
    /// The user, group, key, model or provider whose spending counts; `*` for all, or if nothing was spent yet.
    pub name: String,
    /// The group, if `name` is a user whose budget comes from a group.
    pub group: Option<String>,
    /// The amount; `None` means unlimited.
    pub amount: Option<NanoUsd>,
    /// The period of the amount.
    pub period: Period,
    /// Whether all share one amount.
    pub shared: bool,
    /// The spending in the current window.
    pub spent: NanoUsd,
    /// The reservations of requests in flight.
    pub reserved: NanoUsd,
    /// The remaining amount, never below zero; `None` means unlimited.
    pub remaining: Option<NanoUsd>,
    /// The end of the current window.
    pub resets_at: Timestamp,
}
