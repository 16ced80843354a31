//! The command `budgets`: lists the budgets and their spending, as the running gateway reports it, else from the records.

use crate::args::budgets::BudgetsCommand;
use crate::local_gateway::{get, local_address, plain_listener};
use crate::output::{PrintError, print};
use crate::text_table::table;
use aibridge_api::budget_rows;
use aibridge_budgets::BudgetState;
use aibridge_config::Config;
use aibridge_prices::NanoUsd;
use aibridge_store::StoreError;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::Write;

/// The endpoint that has the same rows.
const PATH: &str = "/api/v1/budgets";

/// Runs `aibridge budgets`, and writes the result to `out`. If no gateway returns its budgets, `from_records` adds up
/// the spending.
///
/// # Errors
///
/// If neither works, or `out` cannot be written.
pub fn run(
    command: &BudgetsCommand,
    config: &Config,
    token: Option<&SecretString>,
    from_records: impl FnOnce() -> Result<Vec<BudgetState>, StoreError>,
    out: &mut dyn Write,
) -> Result<(), BudgetsError> {
    let BudgetsCommand::List(args) = command;
    let rows = match of_gateway(config, token) {
        Ok(rows) => rows,
        Err(reason) => {
            // The result of the command does not depend on standard error.
            let note = "showing the spending in the records, without reservations";
            let _ = writeln!(std::io::stderr(), "aibridge: note: {reason}: {note}");
            of_records(from_records()?)?
        }
    };
    let text = if args.json { serde_json::to_string_pretty(&rows)? + "\n" } else { text(&rows) };
    Ok(print(out, &text)?)
}

/// The reason why the budgets cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum BudgetsError {
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An amount cannot be written as JSON, or read.
    #[error("cannot read the budgets: {0}")]
    Json(#[from] serde_json::Error),
    /// The output cannot be written.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// The rows of the running gateway, or the reason why there are none.
fn of_gateway(config: &Config, token: Option<&SecretString>) -> Result<Vec<Row>, String> {
    let listener = plain_listener(config).ok_or("the gateway accepts TLS only")?;
    let address = local_address(listener);
    let no_gateway = || format!("no gateway answers at {address}");
    let response = get(address, PATH, token).map_err(|_| no_gateway())?;
    match response.status() {
        200 => serde_json::from_str(&response.body).map(|List { data }| data).map_err(|_| no_gateway()),
        401 | 403 => Err(format!("the gateway at {address} needs an admin token in AIBRIDGE_TOKEN")),
        _ => Err(no_gateway()),
    }
}

/// The rows of the API, without reservations, which only the running gateway has.
fn of_records(states: Vec<BudgetState>) -> Result<Vec<Row>, BudgetsError> {
    let mut rows: Vec<Row> = serde_json::from_str(&budget_rows(states)?)?;
    for row in &mut rows {
        (row.reserved_nano_usd, row.reserved_usd) = (None, None);
    }
    Ok(rows)
}

/// The response of the gateway.
#[derive(Deserialize)]
struct List {
    data: Vec<Row>,
}

/// A row of the API. Amounts in dollars keep their text.
#[derive(Deserialize, Serialize)]
struct Row {
    scope: String,
    r#match: String,
    name: String,
    group: Option<String>,
    amount_nano_usd: Option<i64>,
    amount_usd: Option<Box<RawValue>>,
    remaining_nano_usd: Option<i64>,
    remaining_usd: Option<Box<RawValue>>,
    spent_nano_usd: i64,
    spent_usd: Box<RawValue>,
    reserved_nano_usd: Option<i64>,
    reserved_usd: Option<Box<RawValue>>,
    period: String,
    shared: bool,
    resets_at: String,
}

fn text(rows: &[Row]) -> String {
    let names = ["SCOPE", "MATCH", "NAME", "AMOUNT", "PERIOD", "SPENT", "RESERVED", "REMAINING", "RESETS"];
    let exact = |nano: i64| NanoUsd::new(nano).to_string();
    let limit = |nano: Option<i64>| nano.map_or("unlimited".to_owned(), exact);
    let cells = |row: &Row| {
        let of_group = row.group.as_ref().map(|group| format!("{} in {group}", row.name));
        vec![
            row.scope.clone(),
            row.r#match.clone(),
            of_group.unwrap_or_else(|| row.name.clone()),
            limit(row.amount_nano_usd),
            row.period.clone(),
            exact(row.spent_nano_usd),
            row.reserved_nano_usd.map_or("-".to_owned(), exact),
            limit(row.remaining_nano_usd),
            row.resets_at.clone(),
        ]
    };
    table(&names, rows.iter().map(cells))
}
