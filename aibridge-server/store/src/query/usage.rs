use super::{Summary, TokenSums};
use serde::Serialize;
use std::collections::BTreeMap;

/// By what usage is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKey {
    /// On whose behalf.
    User,
    /// The model as the client named it.
    Model,
    /// The client program.
    Client,
    /// The day of the start, in UTC.
    Day,
    /// The provider's configured name.
    Provider,
}

impl UsageKey {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::User, Self::Model, Self::Client, Self::Day, Self::Provider];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Model => "model",
            Self::Client => "client",
            Self::Day => "day",
            Self::Provider => "provider",
        }
    }

    /// The one with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }

    fn of(self, row: &Summary) -> String {
        let interception = &row.interception;
        match self {
            Self::User => interception.initiator_id.clone(),
            Self::Model => interception.model.clone(),
            Self::Client => interception.client.clone(),
            Self::Day => interception.started_at.strftime("%Y-%m-%d").to_string(),
            Self::Provider => interception.provider_name.clone(),
        }
    }
}

/// Usage by some keys, while it is added up. It needs memory for each combination of their values, not for each row.
#[derive(Debug)]
pub struct Usage {
    keys: Vec<UsageKey>,
    sums: BTreeMap<Vec<String>, Sums>,
    bytes: usize,
}

/// What was used by those with the same values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The values of the keys, by name.
    #[serde(flatten)]
    pub key: BTreeMap<&'static str, String>,
    /// What they add up to.
    #[serde(flatten)]
    pub sums: Sums,
}

/// What interceptions add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many.
    pub requests: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What they cost.
    #[serde(flatten)]
    pub tokens: TokenSums,
}

impl Sums {
    pub(super) fn add(&mut self, row: &Summary) {
        self.requests += 1;
        self.failed += u64::from(row.interception.outcome.as_deref() == Some("failed"));
        self.tokens.add(row.tokens);
    }
}

impl Usage {
    /// Nothing yet. A key that comes twice counts once.
    pub fn by(keys: &[UsageKey]) -> Self {
        let mut once = Vec::new();
        for key in keys {
            if !once.contains(key) {
                once.push(*key);
            }
        }
        Self { keys: once, sums: BTreeMap::new(), bytes: 0 }
    }

    /// Adds an interception.
    pub fn add(&mut self, row: &Summary) {
        let values = self.keys.iter().map(|key| key.of(row)).collect();
        let sums = self.sums.entry(values).or_insert_with_key(|values| {
            self.bytes += values.iter().map(String::len).sum::<usize>();
            Sums::default()
        });
        sums.add(row);
    }

    /// How many combinations of values there are so far.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// How many bytes their values have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none so far.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// One row for each combination of values, in their order.
    pub fn rows(self) -> Vec<UsageRow> {
        let Self { keys, sums, .. } = self;
        let key = |values: Vec<String>| keys.iter().map(|key| key.as_str()).zip(values).collect();
        sums.into_iter().map(|(values, sums)| UsageRow { key: key(values), sums }).collect()
    }
}
