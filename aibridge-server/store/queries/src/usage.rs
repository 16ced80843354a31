//! Usage totals, grouped by keys.

use aibridge_store_core::query::{Summary, TokenSums};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;

/// A column by which usage is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKey {
    /// The actor (`initiator_id`).
    User,
    /// The model in the spelling of the client.
    Model,
    /// The client program, e.g. `Codex`.
    Client,
    /// The day of `started_at`, in the zone of the aggregation.
    Day,
    /// The configured name of the provider.
    Provider,
}

impl UsageKey {
    /// All keys, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::User, Self::Model, Self::Client, Self::Day, Self::Provider];

    /// The name of the key in requests and results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Model => "model",
            Self::Client => "client",
            Self::Day => "day",
            Self::Provider => "provider",
        }
    }

    /// The key with this name; `None` if there is no such key.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }

    fn of(self, row: &Summary, zone: &TimeZone) -> String {
        let interception = &row.interception;
        match self {
            Self::User => interception.initiator_id.clone(),
            Self::Model => interception.model.clone(),
            Self::Client => interception.client.clone(),
            Self::Day => interception.started_at.to_zoned(zone.clone()).date().to_string(),
            Self::Provider => interception.provider_name.clone(),
        }
    }
}

/// A running aggregation of usage. Memory grows with the number of key combinations, not of interceptions.
#[derive(Debug)]
pub struct Usage {
    keys: Vec<UsageKey>,
    zone: TimeZone,
    sums: BTreeMap<Vec<String>, Sums>,
    bytes: usize,
}

/// The totals of one combination of key values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The key values, by the name of the key.
    #[serde(flatten)]
    pub key: BTreeMap<&'static str, String>,
    /// The totals of the interceptions.
    #[serde(flatten)]
    pub sums: Sums,
}

/// Totals of interceptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Number of interceptions.
    pub requests: u64,
    /// Number of interceptions with the outcome `failed`.
    pub failed: u64,
    /// The sums of their token usages.
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
    /// An empty aggregation. A duplicate key counts once. Days begin at midnight in `zone`.
    pub fn by(keys: &[UsageKey], zone: TimeZone) -> Self {
        let mut once = Vec::new();
        for key in keys {
            if !once.contains(key) {
                once.push(*key);
            }
        }
        Self { keys: once, zone, sums: BTreeMap::new(), bytes: 0 }
    }

    /// Adds an interception to the totals.
    pub fn add(&mut self, row: &Summary) {
        let values = self.keys.iter().map(|key| key.of(row, &self.zone)).collect();
        let sums = self.sums.entry(values).or_insert_with_key(|values| {
            self.bytes += values.iter().map(String::len).sum::<usize>();
            Sums::default()
        });
        sums.add(row);
    }

    /// Number of key combinations so far.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Size in bytes of the key values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no interception was added.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// One row for each key combination, in the order of the values.
    pub fn rows(self) -> Vec<UsageRow> {
        let Self { keys, sums, .. } = self;
        let key = |values: Vec<String>| keys.iter().map(|key| key.as_str()).zip(values).collect();
        sums.into_iter().map(|(values, sums)| UsageRow { key: key(values), sums }).collect()
    }
}
