//! The cost of a response: the columns of `aibridge_token_usages` about money.

use serde::{Deserialize, Serialize};

/// The cost of a response, and how it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCost {
    /// The cost in billionths of a US dollar; `None` if there is no price.
    pub cost_nano_usd: Option<i64>,
    /// The origin of the cost.
    pub cost_status: CostStatus,
    /// The version of the price table, and the row in it; `None` if there is no price.
    pub price_id: Option<String>,
    /// The estimated input tokens of a response whose usage did not arrive.
    pub estimated_input_tokens: Option<i64>,
    /// The estimated output tokens of a response whose usage did not arrive, or not to its end.
    pub estimated_output_tokens: Option<i64>,
}

impl UsageCost {
    /// Whether a count is estimated.
    pub const fn is_estimate(&self) -> bool {
        self.estimated_input_tokens.is_some() || self.estimated_output_tokens.is_some()
    }
}

/// The origin of the cost of a response: the column `cost_status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostStatus {
    /// Every part of the usage has a stated price.
    Priced,
    /// A price or a count is estimated.
    Estimated,
    /// There is no price.
    #[default]
    Unpriced,
    /// A subscription pays for the request, so its cost is zero.
    Subscription,
}

impl CostStatus {
    /// The value of the column `cost_status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::Estimated => "estimated",
            Self::Unpriced => "unpriced",
            Self::Subscription => "subscription",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Priced, Self::Estimated, Self::Unpriced, Self::Subscription];
        all.into_iter().find(|status| status.as_str() == name)
    }
}
