//! `aibridge interceptions`, `usage`, `sessions`, `export`: reading beside a gateway that may be running.

mod export;
mod flat;
mod list;
mod show;
pub(crate) mod table;

pub use export::export;

use crate::cli::records::{InterceptionsCommand, SessionsArgs, UsageArgs};
use aibridge_store::{Filter, Order, Records, Sessions, StoreError, StoreOptions, Usage};
use parquet::errors::ParquetError;
use serde::Serialize;
use std::io::{self, Write};
use uuid::Uuid;

/// Why records could not be read out.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such interception.
    #[error("there is no interception {0}: `aibridge interceptions list` shows them")]
    Unknown(Uuid),
    /// What was found cannot be written.
    #[error("cannot write what was found: {0}")]
    Write(#[from] io::Error),
    /// Likewise, as JSON.
    #[error("cannot write what was found: {0}")]
    Json(#[from] serde_json::Error),
    /// Likewise, as CSV.
    #[error("cannot write what was found: {0}")]
    Csv(#[from] csv::Error),
    /// Likewise, as Parquet.
    #[error("cannot write what was found: {0}")]
    Parquet(#[from] ParquetError),
    /// The file cannot be written.
    #[error("cannot write {file}: {source}")]
    File {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// Another export writes there, or wrote there when it was killed; or somebody else put something there.
    #[error("{0} exists: wait for the export that writes it, or remove it if there is none")]
    PartExists(String),
    /// Nobody reads this at a terminal.
    #[error("Parquet is not for a terminal: name a file with --output, or redirect the output")]
    Terminal,
}

/// `aibridge interceptions`.
///
/// # Errors
///
/// When the store cannot be read, there is no such interception, or `out` takes nothing.
pub fn interceptions(
    command: &InterceptionsCommand,
    options: StoreOptions,
    out: &mut dyn Write,
) -> Result<(), RecordsError> {
    let records = Records::open(options)?;
    match command {
        InterceptionsCommand::List { filter, limit, json } => {
            let mut rows = Vec::new();
            if *limit > 0 {
                records.summaries(&Filter::from(filter), Order::NewestFirst, |row| {
                    rows.push(row);
                    Ok::<_, StoreError>(rows.len() < *limit)
                })?;
            }
            if *json { write_json(out, &rows) } else { write_text(out, &list::interceptions(&rows)) }
        }
        InterceptionsCommand::Show { id, json } => {
            let found = records.find(*id)?.ok_or(RecordsError::Unknown(*id))?;
            if *json { write_json(out, &found) } else { write_text(out, &show::show(&found)) }
        }
    }
}

/// `aibridge usage`.
///
/// # Errors
///
/// When the store cannot be read, or `out` takes nothing.
pub fn usage(args: &UsageArgs, options: StoreOptions, out: &mut dyn Write) -> Result<(), RecordsError> {
    let mut usage = Usage::by(&args.by);
    Records::open(options)?.summaries(&Filter::from(&args.filter), Order::OldestFirst, |row| {
        usage.add(&row);
        Ok::<_, StoreError>(true)
    })?;
    let rows = usage.rows();
    if args.json { write_json(out, &rows) } else { write_text(out, &list::usage(&args.by, &rows)) }
}

/// `aibridge sessions`.
///
/// # Errors
///
/// When the store cannot be read, or `out` takes nothing.
pub fn sessions(args: &SessionsArgs, options: StoreOptions, out: &mut dyn Write) -> Result<(), RecordsError> {
    let mut sessions = Sessions::default();
    Records::open(options)?.summaries(&Filter::from(&args.filter), Order::OldestFirst, |row| {
        sessions.add(&row);
        Ok::<_, StoreError>(true)
    })?;
    let mut rows = sessions.rows();
    rows.truncate(args.limit);
    if args.json { write_json(out, &rows) } else { write_text(out, &list::sessions(&rows)) }
}

fn write_json(out: &mut dyn Write, found: &impl Serialize) -> Result<(), RecordsError> {
    let mut text = serde_json::to_string_pretty(found)?;
    text.push('\n');
    write_text(out, &text)
}

fn write_text(out: &mut dyn Write, text: &str) -> Result<(), RecordsError> {
    unless_nobody_reads(out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Into::into))
}

/// A reader that has seen enough, like `head`, is no failure.
fn unless_nobody_reads(written: Result<(), RecordsError>) -> Result<(), RecordsError> {
    let error = match &written {
        Err(RecordsError::Write(error)) => Some(error.kind()),
        Err(RecordsError::Json(error)) => error.io_error_kind(),
        Err(RecordsError::Csv(error)) => match error.kind() {
            csv::ErrorKind::Io(error) => Some(error.kind()),
            _ => None,
        },
        Err(RecordsError::Parquet(ParquetError::External(error))) => {
            error.downcast_ref::<io::Error>().map(io::Error::kind)
        }
        _ => None,
    };
    if error == Some(io::ErrorKind::BrokenPipe) { Ok(()) } else { written }
}
