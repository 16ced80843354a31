//! The state of a ledger, and the decisions on it.

use crate::account::Account;
use crate::estimator::Estimator;
use crate::policy::Policy;
use crate::totals::{Balance, Totals};
use crate::window::Windows;
use crate::{Budget, BudgetState, Period, Refusal, SpentTotals, Subject, Warning};
use aibridge_prices::NanoUsd;

/// The warning thresholds, in percent of the amount.
const WARN_PERCENT: [u8; 2] = [75, 95];

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) policy: Policy,
    pub(crate) windows: Windows,
    pub(crate) totals: Totals,
    pub(crate) estimator: Estimator,
    pub(crate) max_reservation: NanoUsd,
}

impl State {
    /// The first budget that does not admit a request with this reservation.
    pub(crate) fn refusal(&self, subject: &Subject<'_>, reservation: NanoUsd) -> Option<Refusal> {
        let applying = self.policy.applying(subject).into_iter();
        applying.filter_map(|(budget, account)| self.refusal_of(budget, &account, reservation)).next()
    }

    /// The refusal of a request with this reservation by one budget; `None` if it admits the request.
    fn refusal_of(&self, budget: &Budget, account: &Account, reservation: NanoUsd) -> Option<Refusal> {
        let amount = budget.amount?;
        let balance = self.totals.get(account);
        let (spent, reserved) = (balance.spent(budget.period, &self.windows), balance.reserved);
        let used = spent.saturating_add(reserved);
        let is_untouched = used == NanoUsd::ZERO && amount > NanoUsd::ZERO;
        if is_untouched || (spent < amount && used.saturating_add(reservation) <= amount) {
            return None;
        }
        let resets_at = self.windows.get(budget.period).end;
        let (scope, period) = (budget.scope, budget.period);
        Some(Refusal { scope, amount, spent, reserved, reservation, period, resets_at })
    }

    /// Adds a cost, and returns the budgets that reached a warning threshold by it.
    pub(crate) fn charge(
        &mut self,
        subject: &Subject<'_>,
        accounts: &[Account],
        cost: NanoUsd,
    ) -> Vec<Warning> {
        if cost <= NanoUsd::ZERO {
            return Vec::new();
        }
        self.totals.add_own(accounts, [cost; Period::ALL.len()], &self.windows);
        self.raise_warnings(subject)
    }

    /// Adds what records of other gateways and of earlier runs say was spent. It was warned of there.
    pub(crate) fn load(&mut self, loaded: &SpentTotals<'_>) {
        self.totals.add_recorded(&loaded.subject.accounts(), loaded.spent, &self.windows);
        self.raise_warnings(&loaded.subject);
    }

    fn raise_warnings(&mut self, subject: &Subject<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (budget, account) in self.policy.applying(subject) {
            let Some(amount) = budget.amount.filter(|amount| *amount > NanoUsd::ZERO) else { continue };
            let Some(balance) = self.totals.get_mut(&account) else { continue };
            let spent = i128::from(balance.spent(budget.period, &self.windows).get()) * 100;
            let reached = |percent: &&u8| spent >= i128::from(amount.get()) * i128::from(**percent);
            let Some(&percent) = WARN_PERCENT.iter().rev().find(reached) else { continue };
            if balance.raise_warning(budget.period, &self.windows, percent) {
                let state = budget_state(budget, Some(&account), balance, &self.windows);
                warnings.push(Warning { percent, state });
            }
        }
        warnings
    }

    /// Every budget with each account that it applies to.
    pub(crate) fn list(&self) -> Vec<BudgetState> {
        let mut states = Vec::new();
        for budget in self.policy.budgets() {
            if let Some(account) = budget.only_account() {
                let balance = self.totals.get(&account);
                states.push(budget_state(budget, Some(&account), &balance, &self.windows));
                continue;
            }
            let applying = self.totals.iter().filter(|(account, _)| self.policy.applies_to(budget, account));
            let mut applying: Vec<_> = applying.collect();
            applying.sort_by_key(|(account, _)| *account);
            if applying.is_empty() {
                states.push(budget_state(budget, None, &Balance::default(), &self.windows));
            }
            let state = |(account, balance)| budget_state(budget, Some(account), balance, &self.windows);
            states.extend(applying.into_iter().map(state));
        }
        states
    }

    /// The budgets that apply to a subject.
    pub(crate) fn list_of(&self, subject: &Subject<'_>) -> Vec<BudgetState> {
        let applying = self.policy.applying(subject).into_iter();
        let state = |(budget, account): (&Budget, Account)| {
            budget_state(budget, Some(&account), &self.totals.get(&account), &self.windows)
        };
        applying.map(state).collect()
    }
}

fn budget_state(
    budget: &Budget,
    account: Option<&Account>,
    balance: &Balance,
    windows: &Windows,
) -> BudgetState {
    let spent = balance.spent(budget.period, windows);
    let left =
        |amount: NanoUsd| amount.saturating_sub(spent).saturating_sub(balance.reserved).max(NanoUsd::ZERO);
    let group = match account {
        Some(Account::Member(group, _)) => Some(group.to_string()),
        _ => None,
    };
    BudgetState {
        scope: budget.scope,
        budget: budget.name.clone(),
        name: account.map_or(budget.name.as_str(), Account::name).to_owned(),
        group,
        amount: budget.amount,
        period: budget.period,
        shared: budget.shared,
        spent,
        reserved: balance.reserved,
        remaining: budget.amount.map(left),
        resets_at: windows.get(budget.period).end,
    }
}
