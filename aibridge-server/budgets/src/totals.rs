//! The balance of each account: what was spent in the current windows, and what is reserved.

use crate::account::Account;
use crate::window::Windows;
use crate::{Period, Subject};
use aibridge_prices::NanoUsd;
use jiff::Timestamp;
use std::collections::HashMap;

/// The number of accounts at which those without spending are removed. The next cleanup is at twice the number that
/// remained.
const FIRST_CLEANUP: usize = 4096;

/// The most models with an account of their own. The spending of further models is counted, but not by model: clients
/// choose the names.
const MAX_MODELS: usize = 10_000;

/// The spending of a subject in the current windows, as read from records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpentTotals<'a> {
    /// The subject of the records.
    pub subject: Subject<'a>,
    /// The sums since the start of the current day, week and month.
    pub spent: [NanoUsd; Period::ALL.len()],
}

/// The accounts with spending or reservations.
#[derive(Debug)]
pub(crate) struct Totals {
    accounts: HashMap<Account, Balance>,
    models: usize,
    cleanup_at: usize,
}

/// The spending and the reservations of one account.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Balance {
    spent: [Spent; Period::ALL.len()],
    pub(crate) reserved: NanoUsd,
}

/// The spending in one window.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    /// The start of the window. What was spent in another window counts as zero.
    window: Option<Timestamp>,
    /// The spending of this process. It is counted here and not read from the database again, so recent costs are included.
    own: NanoUsd,
    /// The recorded spending of other gateways on the same database, and of earlier processes of this one. Each read of
    /// the records replaces it.
    recorded: NanoUsd,
    /// The highest percentage that a warning was issued for.
    warned: u8,
}

impl Balance {
    /// The spending in the current window of `period`.
    pub(crate) fn spent(&self, period: Period, windows: &Windows) -> NanoUsd {
        let spent = &self.spent[period as usize];
        match spent.window == Some(windows.get(period).start) {
            true => spent.own.saturating_add(spent.recorded),
            false => NanoUsd::ZERO,
        }
    }

    /// Adds to the spending of this gateway in the current window of each period.
    fn add_own(&mut self, amounts: [NanoUsd; Period::ALL.len()], windows: &Windows) {
        for period in Period::ALL {
            let spent = self.current(period, windows);
            spent.own = spent.own.saturating_add(amounts[period as usize]);
        }
    }

    /// Adds to the spending of other gateways in the current window of each period.
    fn add_recorded(&mut self, amounts: [NanoUsd; Period::ALL.len()], windows: &Windows) {
        for period in Period::ALL {
            let spent = self.current(period, windows);
            spent.recorded = spent.recorded.saturating_add(amounts[period as usize]);
        }
    }

    /// Raises the highest percentage that a warning was issued for, and returns whether `percent` is higher than before.
    pub(crate) fn raise_warning(&mut self, period: Period, windows: &Windows, percent: u8) -> bool {
        let spent = self.current(period, windows);
        let is_news = percent > spent.warned;
        spent.warned = spent.warned.max(percent);
        is_news
    }

    fn current(&mut self, period: Period, windows: &Windows) -> &mut Spent {
        let spent = &mut self.spent[period as usize];
        let start = Some(windows.get(period).start);
        if spent.window != start {
            *spent = Spent { window: start, ..Spent::default() };
        }
        spent
    }

    fn is_empty(&self, windows: &Windows) -> bool {
        let has_spent = |period| self.spent(period, windows) != NanoUsd::ZERO;
        self.reserved == NanoUsd::ZERO && !Period::ALL.into_iter().any(has_spent)
    }
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self { accounts: HashMap::new(), models: 0, cleanup_at: FIRST_CLEANUP }
    }

    pub(crate) fn get(&self, account: &Account) -> Balance {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    pub(crate) fn get_mut(&mut self, account: &Account) -> Option<&mut Balance> {
        self.accounts.get_mut(account)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Account, &Balance)> {
        self.accounts.iter()
    }

    pub(crate) fn reserve(&mut self, accounts: &[Account], amount: NanoUsd, windows: &Windows) {
        for account in accounts {
            if let Some(balance) = self.entry(account, windows) {
                balance.reserved = balance.reserved.saturating_add(amount);
            }
        }
    }

    pub(crate) fn release(&mut self, accounts: &[Account], amount: NanoUsd) {
        for account in accounts {
            if let Some(balance) = self.accounts.get_mut(account) {
                balance.reserved = balance.reserved.saturating_sub(amount).max(NanoUsd::ZERO);
            }
        }
    }

    pub(crate) fn add_own(
        &mut self,
        accounts: &[Account],
        amounts: [NanoUsd; Period::ALL.len()],
        windows: &Windows,
    ) {
        for account in accounts {
            if let Some(balance) = self.entry(account, windows) {
                balance.add_own(amounts, windows);
            }
        }
    }

    pub(crate) fn add_recorded(
        &mut self,
        accounts: &[Account],
        amounts: [NanoUsd; Period::ALL.len()],
        windows: &Windows,
    ) {
        for account in accounts {
            if let Some(balance) = self.entry(account, windows) {
                balance.add_recorded(amounts, windows);
            }
        }
    }

    /// Removes the spending of other gateways.
    pub(crate) fn clear_recorded(&mut self) {
        for spent in self.accounts.values_mut().flat_map(|balance| &mut balance.spent) {
            spent.recorded = NanoUsd::ZERO;
        }
    }

    /// The balance of an account; `None` for a model beyond [`MAX_MODELS`].
    fn entry(&mut self, account: &Account, windows: &Windows) -> Option<&mut Balance> {
        if !self.accounts.contains_key(account) {
            if self.accounts.len() >= self.cleanup_at {
                self.remove_empty(windows);
            }
            let is_model = matches!(account, Account::Model(_));
            if is_model && self.models >= MAX_MODELS {
                self.remove_empty(windows);
                if self.models >= MAX_MODELS {
                    return None;
                }
            }
            self.models += usize::from(is_model);
        }
        Some(self.accounts.entry(account.clone()).or_default())
    }

    fn remove_empty(&mut self, windows: &Windows) {
        self.accounts.retain(|_, balance| !balance.is_empty(windows));
        self.models = self.accounts.keys().filter(|account| matches!(account, Account::Model(_))).count();
        self.cleanup_at = FIRST_CLEANUP.max(2 * self.accounts.len());
    }
}
