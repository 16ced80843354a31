//! Budgets as an operator states them.

use aibridge_prices::NanoUsd;
use jiff::tz::TimeZone;

/// The kind of name whose spending a budget limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One actor, by its id.
    User,
    /// A group of actors, or each of its members.
    Group,
    /// An access token.
    Key,
    /// A model, by the name in the request.
    Model,
    /// A provider, by its configured name.
    Provider,
    /// All actors together.
    Everyone,
}

impl Scope {
    /// Every scope, in the order in which refusals name them.
    pub const ALL: [Self; 6] =
        [Self::User, Self::Group, Self::Key, Self::Model, Self::Provider, Self::Everyone];

    /// The name of the scope in settings and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Key => "key",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Everyone => "everyone",
        }
    }
}

/// The interval after which the amount of a budget is available again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A calendar day.
    Day,
    /// A calendar week, which begins on Monday.
    Week,
    /// A calendar month.
    Month,
}

impl Period {
    /// Every period, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name of the period in settings and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// An amount that may be spent in each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The kind of name that the budget limits.
    pub scope: Scope,
    /// The name of the one user, group, key, model or provider, or `*` for each of them.
    pub name: String,
    /// The amount. Zero admits nothing; `None` means unlimited, and exempts a name from the budget for `*`.
    pub amount: Option<NanoUsd>,
    /// The period of the amount.
    pub period: Period,
    /// For users and groups: whether all share one amount, rather than each member having it.
    pub shared: bool,
}

impl Budget {
    /// A budget that is not shared.
    pub fn new(scope: Scope, name: impl Into<String>, amount: Option<NanoUsd>, period: Period) -> Self {
        Self { scope, name: name.into(), amount, period, shared: false }
    }

    /// Whether the budget is for every name of its scope.
    pub fn is_for_all(&self) -> bool {
        self.name == "*" || self.scope == Scope::Everyone
    }
}

/// The budgets, and how they are counted.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The budgets in force.
    pub budgets: Vec<Budget>,
    /// The time zone whose calendar decides when a day begins.
    pub time_zone: TimeZone,
    /// The most that one request reserves.
    pub max_reservation: NanoUsd,
}

impl Default for Settings {
    fn default() -> Self {
        Self { budgets: Vec::new(), time_zone: TimeZone::UTC, max_reservation: NanoUsd::dollars(1) }
    }
}
