//! The operator's own prices, in TOML.
//!
//! ```toml
//! version = "2026-12"            # optional: part of the price id
//!
//! [[price]]
//! provider = "openai"            # optional: a vendor, a preset, or the name of a provider in the settings
//! model = "gpt-4.1*"             # a name, or one with `*` at either end
//! from = "2026-12-01"            # optional: holds from midnight UTC of this day
//! service_tier = "flex"          # optional: holds for requests of this tier only
//! input = 2.00                   # dollars for a million tokens
//! output = "8.00"                # text is accepted too
//! cache_read = 0.5
//! web_search = 10                # dollars for a thousand
//! above = [{ input_tokens = 200_000, input = 4.00, output = 12.00 }]
//!
//! [[price]]
//! provider = "anthropic"
//! model = "*"
//! multiplier = 0.9               # instead of prices: nine tenths of the prices that would apply
//! ```
//!
//! The last row that applies to a request wins, and replaces all prices of the model. A row with `service_tier`
//! replaces only the prices that it states.

pub(crate) mod file;

use crate::cost::{MICRO, Price};
use crate::matching::Rule;
use crate::model::Validity;
use crate::rates::Rates;

/// The rows of an operator's price file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The name and version of the file in price ids.
    pub(crate) version: String,
    pub(crate) rows: Vec<OverrideRow>,
}

/// The errors of a price file, each with the line that it is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct OverridesError(pub Vec<String>);

/// A row of an operator's price file.
#[derive(Debug, Clone)]
pub(crate) struct OverrideRow {
    pub(crate) provider: Option<String>,
    pub(crate) pattern: String,
    pub(crate) rule: Rule,
    pub(crate) validity: Validity,
    pub(crate) service_tier: Option<String>,
    rates: Rates,
    /// Multiplies the prices of tokens that would apply, in millionths.
    multiplier: Option<u64>,
    is_subscription: bool,
}

impl Overrides {
    /// Parses the text of a price file. All errors are reported at once.
    ///
    /// # Errors
    ///
    /// [`OverridesError`] with a message for each problem.
    pub fn parse(text: &str) -> Result<Self, OverridesError> {
        file::parse(text)
    }
}

impl OverrideRow {
    /// Whether the row states prices, rather than a multiplier of those that would apply.
    pub(crate) fn states_prices(&self) -> bool {
        self.is_subscription || !self.rates.is_empty()
    }

    /// The prices of this row alone, for the model `name`.
    pub(crate) fn price(&self, version: &str, name: &str) -> Price<'_> {
        let id = format!("{version}:{}{}", self.id(), self.validity.suffix());
        let mut price = Price::new(id, &self.rates, name.contains("claude"));
        if let Some(tier) = &self.service_tier {
            price.id.push_str(&format!("#{tier}"));
        }
        price.is_subscription = self.is_subscription;
        price
    }

    /// Changes a price that applies without this row: by the multiplier, or by the prices of a service tier.
    pub(crate) fn apply<'a>(&'a self, price: &mut Price<'a>, version: &str) {
        price.replace(&self.rates);
        if let Some(multiplier) = self.multiplier {
            let product = u128::from(price.multiplier) * u128::from(multiplier) / u128::from(MICRO);
            price.multiplier = u64::try_from(product).unwrap_or(u64::MAX);
        }
        price.is_subscription |= self.is_subscription;
        let row = format!("+{version}:{}{}", self.id(), self.validity.suffix());
        price.id.push_str(&row);
        if let Some(tier) = &self.service_tier {
            price.id.push_str(&format!("#{tier}"));
        }
    }

    pub(crate) fn id(&self) -> String {
        match &self.provider {
            Some(provider) => format!("{provider}/{}", self.pattern),
            None => self.pattern.clone(),
        }
    }
}
