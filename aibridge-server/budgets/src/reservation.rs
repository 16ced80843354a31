//! The part of budgets that a request in flight holds.

use crate::account::Account;
use crate::estimator::MeanKeys;
use crate::state::State;
use crate::{Subject, Warning};
use aibridge_prices::NanoUsd;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;

/// The amount that a request in flight has reserved. Dropping it releases the amount.
#[derive(Debug)]
pub struct Reservation {
    state: Arc<Mutex<State>>,
    subject: OwnedSubject,
    accounts: Vec<Account>,
    keys: MeanKeys,
    amount: NanoUsd,
}

/// A subject that owns its names.
#[derive(Debug)]
struct OwnedSubject {
    user: String,
    groups: Vec<String>,
    key: String,
    model: String,
    provider: String,
}

impl Reservation {
    pub(crate) fn new(
        state: Arc<Mutex<State>>,
        subject: &Subject<'_>,
        accounts: Vec<Account>,
        keys: MeanKeys,
        amount: NanoUsd,
    ) -> Self {
        let subject = OwnedSubject {
            user: subject.user.to_owned(),
            groups: subject.groups.to_vec(),
            key: subject.key.to_owned(),
            model: subject.model.to_owned(),
            provider: subject.provider.to_owned(),
        };
        Self { state, subject, accounts, keys, amount }
    }

    /// The reserved amount; zero if the cost cannot be estimated.
    pub const fn amount(&self) -> NanoUsd {
        self.amount
    }

    /// Replaces the reservation by the real cost, in one step, and returns the budgets that reached a warning threshold.
    pub fn settle(mut self, cost: NanoUsd, now: Timestamp) -> Vec<Warning> {
        let amount = std::mem::take(&mut self.amount);
        let OwnedSubject { user, groups, key, model, provider } = &self.subject;
        let subject = Subject { user, groups, key, model, provider };
        let mut state = self.state.lock();
        state.windows.advance(now);
        state.totals.release(&self.accounts, amount);
        let State { estimator, .. } = &mut *state;
        estimator.record(self.keys, cost);
        state.charge(&subject, &self.accounts, cost)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.amount != NanoUsd::ZERO {
            self.state.lock().totals.release(&self.accounts, self.amount);
        }
    }
}
