//! The prices of one model: by date, by time of day and by service tier.

use crate::rates::Rates;
use jiff::civil::Time;
use jiff::{Timestamp, tz::TimeZone};

/// A model of a vendor with all its prices.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// Standard prices. Of the entries that are valid at a time, the last one applies; the first one if none is valid.
    pub(crate) entries: Vec<Entry>,
    /// Prices that replace standard ones, bucket by bucket, for requests of a service tier.
    pub(crate) variants: Vec<Variant>,
}

/// Standard prices under a condition.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) validity: Validity,
    pub(crate) rates: Rates,
}

/// Prices of a service tier under a condition.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) service_tier: String,
    pub(crate) validity: Validity,
    pub(crate) rates: Rates,
}

/// The time in which prices are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Validity {
    Always,
    /// From this time on.
    From(Timestamp),
    /// Between two times of the day, UTC. The range includes midnight if the end is before the start.
    Daily {
        start: Time,
        end: Time,
    },
}

impl Validity {
    pub(crate) fn holds_at(&self, at: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::From(start) => at >= *start,
            Self::Daily { start, end } => {
                let time = at.to_zoned(TimeZone::UTC).time();
                if end < start { time >= *start || time < *end } else { time >= *start && time < *end }
            }
        }
    }

    /// The condition as a part of a price id; empty for prices that are always valid.
    pub(crate) fn suffix(&self) -> String {
        match self {
            Self::Always => String::new(),
            Self::From(start) => format!("@{}", start.to_zoned(TimeZone::UTC).date()),
            Self::Daily { start, end } => format!("@{start}-{end}"),
        }
    }
}

impl Model {
    /// The standard prices at a time; `None` for a model without entries.
    pub(crate) fn entry(&self, at: Timestamp) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.validity.holds_at(at)).or(self.entries.first())
    }

    /// The prices of a service tier at a time. The first variant that states a bucket decides its price.
    pub(crate) fn variants(&self, service_tier: &str, at: Timestamp) -> Vec<&Variant> {
        let variants = self.variants.iter();
        variants
            .filter(|variant| variant.service_tier == service_tier && variant.validity.holds_at(at))
            .collect()
    }
}
