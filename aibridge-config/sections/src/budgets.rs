//! `[budgets]` and `[[budget]]`: who may spend how much.

mod amount;
mod budget;

pub use budget::RawBudget;

use aibridge_budgets::{Budget, Settings};
use aibridge_prices::NanoUsd;
use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The budgets, and how they are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Budgets {
    /// `[[budget]]`: the budgets.
    pub budgets: Vec<Budget>,
    /// The time zone whose calendar decides when a day, a week and a month begin.
    pub time_zone: TimeZone,
    /// The name of the time zone, as it is written in the settings.
    time_zone_name: String,
    /// The most that one request reserves.
    pub max_reservation: NanoUsd,
    /// Whether a refusal of an OpenAI API is a 400, whose message Codex shows.
    pub readable_refusals: bool,
    /// Whether requests with a client's own key count.
    pub byok_counts: bool,
    /// The treatment of requests for models without a price.
    pub unpriced: Unpriced,
}

/// The treatment of requests for models without a price, whose cost is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unpriced {
    /// They are forwarded.
    Allow,
    /// They are refused, whether or not a budget applies to them.
    Refuse,
}

impl Unpriced {
    const ALL: [Self; 2] = [Self::Allow, Self::Refuse];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Refuse => "refuse",
        }
    }
}

impl Budgets {
    /// These budgets with the time zone of `other`, which a reload does not change.
    #[must_use]
    pub fn with_time_zone_of(&self, other: &Self) -> Self {
        let (time_zone, time_zone_name) = (other.time_zone.clone(), other.time_zone_name.clone());
        Self { time_zone, time_zone_name, ..self.clone() }
    }

    /// The settings of a ledger.
    pub fn ledger(&self) -> Settings {
        Settings {
            budgets: self.budgets.clone(),
            time_zone: self.time_zone.clone(),
            max_reservation: self.max_reservation,
        }
    }
}

/// The mirror of `[budgets]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawBudgets {
    time_zone: String,
    max_reservation: String,
    readable_refusals: bool,
    byok_counts: bool,
    unpriced: String,
}

impl Default for RawBudgets {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            max_reservation: "1 USD".into(),
            readable_refusals: false,
            byok_counts: false,
            unpriced: Unpriced::Allow.as_str().into(),
        }
    }
}

impl From<&Budgets> for RawBudgets {
    fn from(budgets: &Budgets) -> Self {
        Self {
            time_zone: budgets.time_zone_name.clone(),
            max_reservation: amount::format(budgets.max_reservation),
            readable_refusals: budgets.readable_refusals,
            byok_counts: budgets.byok_counts,
            unpriced: budgets.unpriced.as_str().into(),
        }
    }
}

/// Validates `[budgets]` and `[[budget]]`. `None` if they have a problem.
pub fn resolve(raw: &RawBudgets, list: &[RawBudget], report: &mut Report<'_>) -> Option<Budgets> {
    let time_zone = report.keep("budgets.time_zone", time_zone(&raw.time_zone));
    let max_reservation = report.keep("budgets.max_reservation", amount::positive(&raw.max_reservation));
    let unpriced = choice(&raw.unpriced, &Unpriced::ALL, Unpriced::as_str);
    let unpriced = report.keep("budgets.unpriced", unpriced);
    let budgets = budget::resolve(list, report);
    Some(Budgets {
        budgets: budgets?,
        time_zone: time_zone?,
        time_zone_name: raw.time_zone.clone(),
        max_reservation: max_reservation?,
        readable_refusals: raw.readable_refusals,
        byok_counts: raw.byok_counts,
        unpriced: unpriced?,
    })
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("{name:?} is not a time zone; write a name such as \"UTC\" or \"Europe/Berlin\"")
    })
}
