//! Accounts: the users, groups, keys, models and providers that have a balance.

use std::sync::Arc;

/// The names that the cost of one request is charged to. An empty name has no account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The id of the actor.
    pub user: &'a str,
    /// The groups that the actor belongs to.
    pub groups: &'a [String],
    /// The id of the access token.
    pub key: &'a str,
    /// The model in the request; empty before the request is read.
    pub model: &'a str,
    /// The configured name of the provider.
    pub provider: &'a str,
}

/// The key of a balance: a name within a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Account {
    User(Arc<str>),
    Group(Arc<str>),
    /// A user as a member of a group: the group, then the user.
    Member(Arc<str>, Arc<str>),
    Key(Arc<str>),
    Model(Arc<str>),
    Provider(Arc<str>),
    Everyone,
}

impl Account {
    /// The name that a listing shows; `*` for everyone.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User(name)
            | Self::Member(_, name)
            | Self::Group(name)
            | Self::Key(name)
            | Self::Model(name)
            | Self::Provider(name) => name,
            Self::Everyone => "*",
        }
    }
}

impl Subject<'_> {
    /// Every account that counts what this subject spends.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let mut accounts = Vec::with_capacity(5 + 2 * self.groups.len());
        accounts.push(Account::Everyone);
        let user: Arc<str> = self.user.into();
        for group in self.groups {
            let group: Arc<str> = group.as_str().into();
            accounts.push(Account::Group(Arc::clone(&group)));
            accounts.push(Account::Member(group, Arc::clone(&user)));
        }
        let named = [
            (self.user, Account::User as fn(Arc<str>) -> Account),
            (self.key, Account::Key),
            (self.model, Account::Model),
            (self.provider, Account::Provider),
        ];
        accounts
            .extend(named.iter().filter(|(name, _)| !name.is_empty()).map(|(name, of)| of((*name).into())));
        accounts
    }
}
