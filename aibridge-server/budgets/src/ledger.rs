//! The ledger: what was spent and reserved, behind one lock.

use crate::estimator::Estimator;
use crate::policy::Policy;
use crate::state::State;
use crate::totals::Totals;
use crate::window::Windows;
use crate::{BudgetState, Period, Refusal, Reservation, Settings, SpentTotals, Subject, Warning};
use aibridge_prices::NanoUsd;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;

/// Spending and reservations, and the budgets that limit them. Clones share the state. Every decision is atomic, and a
/// call waits only for other calls.
#[derive(Debug, Clone)]
pub struct Ledger {
    state: Arc<Mutex<State>>,
}

impl Ledger {
    /// A ledger with nothing spent.
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        let state = State {
            policy: Policy::new(settings.budgets),
            windows: Windows::new(settings.time_zone, now),
            totals: Totals::new(),
            estimator: Estimator::new(),
            max_reservation: settings.max_reservation,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Replaces the budgets. What was spent and reserved is kept, unless the time zone changes: then the caller has to
    /// [load](Ledger::load) what was spent in the windows of the new one, and this returns `true`.
    pub fn replace(&self, settings: Settings, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        let has_new_windows = *state.windows.time_zone() != settings.time_zone;
        if has_new_windows {
            state.windows = Windows::new(settings.time_zone, now);
        }
        state.policy = Policy::new(settings.budgets);
        state.max_reservation = settings.max_reservation;
        has_new_windows
    }

    /// The current windows, for the query that [`Ledger::load`] needs.
    pub fn windows(&self, now: Timestamp) -> Windows {
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.windows.clone()
    }

    /// Replaces what the records of other gateways, and of earlier runs of this one, say was spent in the current windows.
    /// The costs that this gateway has charged stay: their records may not be in the database yet. It issues no warnings.
    pub fn load<'a>(&self, totals: impl IntoIterator<Item = SpentTotals<'a>>, now: Timestamp) {
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.totals.clear_recorded();
        for total in totals {
            state.load(&total);
        }
    }

    /// Checks whether a budget is used up already, before a request is read and its cost can be estimated. It reserves
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the first budget that admits nothing.
    pub fn check(&self, subject: &Subject<'_>, now: Timestamp) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.refusal(subject, NanoUsd::ZERO).map_or(Ok(()), Err)
    }

    /// Admits a request if every budget that applies has room for it, and reserves its estimated cost. The estimate is the
    /// decaying mean of its session, else of its actor and model; at least `input_cost`, and at most the largest
    /// reservation of the settings. A budget with nothing spent and nothing reserved admits any request.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the first budget that has no room. Nothing is reserved then.
    pub fn reserve(
        &self,
        subject: &Subject<'_>,
        session: Option<&str>,
        input_cost: NanoUsd,
        now: Timestamp,
    ) -> Result<Reservation, Refusal> {
        let mut state = self.state.lock();
        state.windows.advance(now);
        let keys = state.estimator.keys(subject, session);
        let usual = state.estimator.usual(keys).max(input_cost);
        let amount = usual.min(state.max_reservation).max(NanoUsd::ZERO);
        if let Some(refusal) = state.refusal(subject, amount) {
            return Err(refusal);
        }
        let accounts = subject.accounts();
        let State { totals, windows, .. } = &mut *state;
        totals.reserve(&accounts, amount, windows);
        drop(state);
        Ok(Reservation::new(Arc::clone(&self.state), subject, accounts, keys, amount))
    }

    /// Adds a cost that was not reserved.
    pub fn charge(&self, subject: &Subject<'_>, cost: NanoUsd, now: Timestamp) -> Vec<Warning> {
        let accounts = subject.accounts();
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.charge(subject, &accounts, cost)
    }

    /// Every budget, with each user, group, key, model or provider that it applies to and that has spent or reserved
    /// something.
    pub fn list(&self, now: Timestamp) -> Vec<BudgetState> {
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.list()
    }

    /// The budgets that apply to a subject.
    pub fn list_of(&self, subject: &Subject<'_>, now: Timestamp) -> Vec<BudgetState> {
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.list_of(subject)
    }

    /// The spending of a user in the current window of a period.
    pub fn spent_by(&self, user: &str, period: Period, now: Timestamp) -> NanoUsd {
        let mut state = self.state.lock();
        state.windows.advance(now);
        let balance = state.totals.get(&crate::account::Account::User(user.into()));
        balance.spent(period, &state.windows)
    }
}
