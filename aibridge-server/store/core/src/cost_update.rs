//! A new cost of a recorded usage.

use uuid::Uuid;

/// A new cost of one row of `aibridge_token_usages`. Its token counts stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostUpdate {
    /// The interception that the row belongs to.
    pub interception_id: Uuid,
    /// The id of the row.
    pub id: Uuid,
    /// The cost in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// The value of the column `cost_status`.
    pub cost_status: &'static str,
    /// The version of the price table and the row in it.
    pub price_id: Option<String>,
}
