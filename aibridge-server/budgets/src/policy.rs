//! Selects the budgets that apply to a subject: the most specific ones of each scope.

use crate::account::Account;
use crate::{Budget, Scope, Subject};
use std::collections::HashMap;

/// The budgets by scope and name.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    budgets: Vec<Budget>,
    scopes: [ScopeIndex; Scope::ALL.len()],
}

/// The indexes of the budgets of one scope.
#[derive(Debug, Default)]
struct ScopeIndex {
    named: HashMap<String, Vec<usize>>,
    for_all: Vec<usize>,
}

impl ScopeIndex {
    /// The budgets for `name`: its own, or else those for all. There may be one for each period.
    fn get(&self, name: &str) -> &[usize] {
        self.named.get(name).unwrap_or(&self.for_all)
    }
}

impl Policy {
    pub(crate) fn new(budgets: Vec<Budget>) -> Self {
        let mut policy = Self::default();
        for (index, budget) in budgets.iter().enumerate() {
            let scope = &mut policy.scopes[budget.scope as usize];
            match budget.is_for_all() {
                true => scope.for_all.push(index),
                false => scope.named.entry(budget.name.clone()).or_default().push(index),
            }
        }
        Self { budgets, ..policy }
    }

    pub(crate) fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// The budgets that apply to `subject`, each with the account whose balance it limits.
    pub(crate) fn applying(&self, subject: &Subject<'_>) -> Vec<(&Budget, Account)> {
        let mut applying = Vec::new();
        for (scope, name) in [
            (Scope::User, subject.user),
            (Scope::Key, subject.key),
            (Scope::Model, subject.model),
            (Scope::Provider, subject.provider),
        ] {
            if !name.is_empty() {
                self.add(scope, name, subject, &mut applying);
            }
        }
        for group in subject.groups {
            self.add(Scope::Group, group, subject, &mut applying);
        }
        self.add(Scope::Everyone, "*", subject, &mut applying);
        applying.sort_by_key(|(budget, _)| (budget.scope, budget.period));
        applying
    }

    fn add<'a>(
        &'a self,
        scope: Scope,
        name: &str,
        subject: &Subject<'_>,
        applying: &mut Vec<(&'a Budget, Account)>,
    ) {
        for &index in self.scopes[scope as usize].get(name) {
            let budget = &self.budgets[index];
            applying.push((budget, budget.account(name, subject.user)));
        }
    }

    /// Whether this budget without an [only account](Budget::only_account) applies to `account`.
    pub(crate) fn applies_to(&self, budget: &Budget, account: &Account) -> bool {
        let scope = &self.scopes[budget.scope as usize];
        let is_chosen =
            |name: &str| budget.name == name || budget.is_for_all() && !scope.named.contains_key(name);
        match (budget.scope, account) {
            (Scope::Group, Account::Group(name)) => budget.shared && is_chosen(name),
            (Scope::Group, Account::Member(group, _)) => !budget.shared && is_chosen(group),
            (Scope::User, Account::User(name))
            | (Scope::Key, Account::Key(name))
            | (Scope::Model, Account::Model(name))
            | (Scope::Provider, Account::Provider(name)) => is_chosen(name),
            _ => false,
        }
    }
}

impl Budget {
    /// The one account that this budget limits; `None` if the account depends on the request.
    pub(crate) fn only_account(&self) -> Option<Account> {
        let is_shared = match self.scope {
            Scope::Everyone => true,
            Scope::User => self.shared || !self.is_for_all(),
            Scope::Group => self.shared && !self.is_for_all(),
            Scope::Key | Scope::Model | Scope::Provider => !self.is_for_all(),
        };
        is_shared.then(|| self.account(&self.name, ""))
    }

    /// The account that this budget limits for `name` and a request of `user`.
    fn account(&self, name: &str, user: &str) -> Account {
        match self.scope {
            Scope::User if self.shared && self.is_for_all() => Account::Everyone,
            Scope::User => Account::User(name.into()),
            Scope::Group if self.shared => Account::Group(name.into()),
            Scope::Group => Account::Member(name.into(), user.into()),
            Scope::Key => Account::Key(name.into()),
            Scope::Model => Account::Model(name.into()),
            Scope::Provider => Account::Provider(name.into()),
            Scope::Everyone => Account::Everyone,
        }
    }
}
