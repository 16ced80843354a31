//! Schemas of budgets and of a user's own spending.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The budgets of the settings.
#[derive(Serialize, ToSchema)]
pub struct BudgetList {
    /// The budgets. One for `*` has a row for each name that has spent something, or else one row.
    pub data: Vec<BudgetRow>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A budget, and what was spent of it in its current period.
#[derive(Serialize, ToSchema)]
pub struct BudgetRow {
    /// The scope: `user`, `group`, `key`, `model`, `provider` or `everyone`.
    #[schema(example = "user")]
    pub scope: String,
    /// The name in the settings, or `*`.
    pub r#match: String,
    /// The user, group, key, model or provider whose spending counts; `*` for all, or if nothing was spent.
    pub name: String,
    /// The group, if `name` is a user as its member; otherwise `null`.
    #[schema(required)]
    pub group: Option<String>,
    /// The amount for each period; `null` if it is unlimited.
    #[serde(flatten)]
    pub amount: Amount,
    /// The spending in the current period.
    #[serde(flatten)]
    pub spent: Spent,
    /// `day`, `week` or `month`.
    #[schema(example = "month")]
    pub period: String,
    /// Whether all users, or all members of the group, share the amount.
    pub shared: bool,
    /// The end of the current period.
    #[schema(format = DateTime)]
    pub resets_at: String,
}

/// The amount of a budget, and what is left of it.
#[derive(Serialize, ToSchema)]
pub struct Amount {
    /// The amount in billionths of a US dollar; `null` if it is unlimited.
    #[schema(required)]
    pub amount_nano_usd: Option<i64>,
    /// The amount in US dollars; `null` if it is unlimited.
    #[schema(required, value_type = Option<f64>)]
    pub amount_usd: Option<Box<RawValue>>,
    /// The remaining amount, in billionths of a US dollar; `null` if the amount is unlimited.
    #[schema(required)]
    pub remaining_nano_usd: Option<i64>,
    /// The remaining amount, in US dollars; `null` if the amount is unlimited.
    #[schema(required, value_type = Option<f64>)]
    pub remaining_usd: Option<Box<RawValue>>,
}

/// The spending against a budget, and the reservations of requests in flight.
#[derive(Serialize, ToSchema)]
pub struct Spent {
    /// The spending, in billionths of a US dollar.
    pub spent_nano_usd: i64,
    /// The spending, in US dollars.
    #[schema(value_type = f64)]
    pub spent_usd: Box<RawValue>,
    /// The reservations of requests in flight, in billionths of a US dollar.
    pub reserved_nano_usd: i64,
    /// The reservations of requests in flight, in US dollars.
    #[schema(value_type = f64)]
    pub reserved_usd: Box<RawValue>,
}

/// The caller's own spending and limits.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The user of the access token, or `anonymous`.
    pub user: String,
    /// The spending of the user in the current day, week and month.
    pub spend: Vec<SpendRow>,
    /// The budgets that apply to every request of the user.
    pub budgets: Vec<BudgetRow>,
    /// The last requests that a budget refused, the latest first; at most ten, since the start of this process.
    pub refusals: Vec<RefusalRow>,
}

/// The spending of a user in a period.
#[derive(Serialize, ToSchema)]
pub struct SpendRow {
    /// `day`, `week` or `month`.
    #[schema(example = "month")]
    pub period: String,
    /// The spending, in billionths of a US dollar.
    pub spent_nano_usd: i64,
    /// The spending, in US dollars.
    #[schema(value_type = f64)]
    pub spent_usd: Box<RawValue>,
}

/// A request that a budget refused.
#[derive(Serialize, ToSchema)]
pub struct RefusalRow {
    /// The time of the refusal.
    #[schema(format = DateTime)]
    pub at: String,
    /// The message that the client received.
    pub message: String,
    /// The scope of the budget.
    pub scope: String,
    /// The amount of the budget in US dollars.
    #[schema(value_type = f64)]
    pub limit_usd: Box<RawValue>,
    /// The spending at that time, in US dollars.
    #[schema(value_type = f64)]
    pub spent_usd: Box<RawValue>,
    /// `day`, `week` or `month`.
    pub period: String,
    /// The end of the period.
    #[schema(format = DateTime)]
    pub resets_at: String,
}
