//! The commands `interceptions`, `usage`, `sessions` and `export`. A gateway may be running at the same time.

mod error;
mod export;
mod flat;
mod list;
mod show;

pub use error::RecordsError;
pub use export::export;

use self::error::ignore_closed_pipe;
use crate::args::records::{InterceptionsCommand, SessionsArgs, UsageArgs};
use aibridge_api_parameters::first_repeated;
use aibridge_store::{Filter, Order, Records, Sessions, StoreError, StoreOptions, Usage};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::Write;

/// Runs `aibridge interceptions`, and writes the result to `out`.
///
/// # Errors
///
/// If the store cannot be read, no interception has the id, or `out` cannot be written.
pub fn interceptions(
    command: &InterceptionsCommand,
    options: StoreOptions,
    out: &mut dyn Write,
) -> Result<(), RecordsError> {
    let records = open(options)?;
    match command {
        InterceptionsCommand::List { filter, limit, json } => {
            let mut rows = Vec::new();
            records.summaries(&Filter::try_from(filter)?, Order::NewestFirst, |row| {
                rows.push(row);
                Ok::<_, StoreError>(rows.len() < *limit)
            })?;
            if *json { write_json(out, &rows) } else { write_text(out, &list::interceptions(&rows)) }
        }
        InterceptionsCommand::Show { id, json } => {
            let found = records.find(*id)?.ok_or(RecordsError::Unknown(*id))?;
            if *json { write_json(out, &found) } else { write_text(out, &show::show(&found)) }
        }
    }
}

/// Runs `aibridge usage`, and writes the result to `out`. Days begin at midnight in `zone`.
///
/// # Errors
///
/// If the arguments are invalid, the store cannot be read, or `out` cannot be written.
pub fn usage(
    args: &UsageArgs,
    options: StoreOptions,
    zone: TimeZone,
    out: &mut dyn Write,
) -> Result<(), RecordsError> {
    if let Some(key) = first_repeated(&args.by) {
        return Err(RecordsError::RepeatedKey(key.as_str()));
    }
    let mut usage = Usage::by(&args.by, zone);
    open(options)?.summaries(&Filter::try_from(&args.filter)?, Order::OldestFirst, |row| {
        usage.add(&row);
        Ok::<_, StoreError>(true)
    })?;
    let rows = usage.rows();
    if args.json { write_json(out, &rows) } else { write_text(out, &list::usage(&args.by, &rows)) }
}

/// Runs `aibridge sessions`, and writes the result to `out`.
///
/// # Errors
///
/// If the arguments are invalid, the store cannot be read, or `out` cannot be written.
pub fn sessions(args: &SessionsArgs, options: StoreOptions, out: &mut dyn Write) -> Result<(), RecordsError> {
    let mut sessions = Sessions::default();
    open(options)?.summaries(&Filter::try_from(&args.filter)?, Order::OldestFirst, |row| {
        sessions.add(&row);
        Ok::<_, StoreError>(true)
    })?;
    let mut rows = sessions.rows();
    rows.truncate(args.limit);
    if args.json { write_json(out, &rows) } else { write_text(out, &list::sessions(&rows)) }
}

/// Opens the store, and writes a note to standard error for records that are not in it yet.
fn open(options: StoreOptions) -> Result<Records, StoreError> {
    let records = Records::open(options)?;
    for note in records.notes() {
        // The result of the command does not depend on standard error.
        let _ = writeln!(std::io::stderr(), "aibridge: note: {note}");
    }
    Ok(records)
}

fn write_json(out: &mut dyn Write, found: &impl Serialize) -> Result<(), RecordsError> {
    let mut text = serde_json::to_string_pretty(found)?;
    text.push('\n');
    write_text(out, &text)
}

fn write_text(out: &mut dyn Write, text: &str) -> Result<(), RecordsError> {
    ignore_closed_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Into::into))
}
