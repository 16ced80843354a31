//! `/api/v1/budgets` and `/api/v1/me`: the spending and the budgets, of everyone and of the caller.

use crate::call::{Call, Reply};
use crate::error::ApiError;
use aibridge_accounting::RecentRefusal;
use aibridge_api_parameters::QueryParameters;
use aibridge_api_schema::{Amount, BudgetList, BudgetRow, Me, RefusalRow, Refusals, SpendRow, Spent};
use aibridge_budgets::{BudgetState, Period};
use aibridge_prices::NanoUsd;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::value::RawValue;

/// Lists the budgets of the settings with what was spent, reserved and left in their current periods.
#[utoipa::path(
    get,
    path = "/api/v1/budgets",
    operation_id = "list_budgets",
    tag = "gateway",
    responses((status = 200, description = "The budgets", body = BudgetList), Refusals),
)]
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let data = rows(call.gateway.accounting.budgets(Timestamp::now()))?;
    Reply::of(StatusCode::OK, &BudgetList { data, next_cursor: None })
}

/// Returns the caller's own spending, the budgets that apply to the caller, and the last refusals.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "own_spending",
    tag = "own records",
    responses((status = 200, description = "The caller's spending and limits", body = Me), Refusals),
)]
pub(crate) fn own(call: &Call<'_>) -> Result<Reply, ApiError> {
    QueryParameters::new(call.query).finish()?;
    let (accounting, user, now) = (call.gateway.accounting, &call.caller.user, Timestamp::now());
    let spend = accounting.spent_by(user, now).into_iter().map(|(period, spent)| spend_row(period, spent));
    let me = Me {
        user: user.clone(),
        spend: spend.collect::<Result<_, _>>().map_err(|_| ApiError::Internal)?,
        budgets: rows(accounting.budgets_of(user, &call.caller.groups, &call.caller.key, now))?,
        refusals: refusals(accounting.refusals_of(user)).map_err(|_| ApiError::Internal)?,
    };
    Reply::of(StatusCode::OK, &me)
}

/// The rows of `/api/v1/budgets` as a JSON array, for the command line.
///
/// # Errors
///
/// If an amount cannot be written as JSON.
pub fn budget_rows(states: Vec<BudgetState>) -> Result<String, serde_json::Error> {
    let rows: Vec<BudgetRow> = states.into_iter().map(budget_row).collect::<Result<_, _>>()?;
    serde_json::to_string(&rows)
}

fn rows(states: Vec<BudgetState>) -> Result<Vec<BudgetRow>, ApiError> {
    states.into_iter().map(budget_row).collect::<Result<_, _>>().map_err(|_| ApiError::Internal)
}

fn budget_row(state: BudgetState) -> Result<BudgetRow, serde_json::Error> {
    let BudgetState { amount, remaining, spent, reserved, .. } = state;
    Ok(BudgetRow {
        scope: state.scope.as_str().to_owned(),
        r#match: state.budget,
        name: state.name,
        group: state.group,
        amount: Amount {
            amount_nano_usd: amount.map(NanoUsd::get),
            amount_usd: amount.map(dollars).transpose()?,
            remaining_nano_usd: remaining.map(NanoUsd::get),
            remaining_usd: remaining.map(dollars).transpose()?,
        },
        spent: Spent {
            spent_nano_usd: spent.get(),
            spent_usd: dollars(spent)?,
            reserved_nano_usd: reserved.get(),
            reserved_usd: dollars(reserved)?,
        },
        period: state.period.as_str().to_owned(),
        shared: state.shared,
        resets_at: state.resets_at.to_string(),
    })
}

fn spend_row(period: Period, spent: NanoUsd) -> Result<SpendRow, serde_json::Error> {
    let (spent_nano_usd, spent_usd) = (spent.get(), dollars(spent)?);
    Ok(SpendRow { period: period.as_str().to_owned(), spent_nano_usd, spent_usd })
}

fn refusals(recent: Vec<RecentRefusal>) -> Result<Vec<RefusalRow>, serde_json::Error> {
    recent.iter().map(refusal_row).collect()
}

fn refusal_row(recent: &RecentRefusal) -> Result<RefusalRow, serde_json::Error> {
    let RecentRefusal { at, refusal } = recent;
    Ok(RefusalRow {
        at: at.to_string(),
        message: refusal.to_string(),
        scope: refusal.scope.as_str().to_owned(),
        limit_usd: dollars(refusal.amount)?,
        spent_usd: dollars(refusal.spent)?,
        period: refusal.period.as_str().to_owned(),
        resets_at: refusal.resets_at.to_string(),
    })
}

/// The amount as a JSON number with all its decimals.
fn dollars(amount: NanoUsd) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(amount.to_decimal())
}
