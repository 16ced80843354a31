//! The errors of the commands that read records.

use crate::args::records::EmptyPeriod;
use aibridge_store::StoreError;
use parquet::errors::ParquetError;
use std::io;
use uuid::Uuid;

/// The reason why a command that reads records failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The filter selects an empty period.
    #[error(transparent)]
    EmptyPeriod(#[from] EmptyPeriod),
    /// A key of `--by` is repeated.
    #[error("--by contains {0} twice: write each key once")]
    RepeatedKey(&'static str),
    /// No interception has this id.
    #[error("there is no interception {0}: `aibridge interceptions list` shows them")]
    Unknown(Uuid),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Write(#[from] io::Error),
    /// The output cannot be written as JSON.
    #[error("cannot write the output: {0}")]
    Json(#[from] serde_json::Error),
    /// The output cannot be written as CSV.
    #[error("cannot write the output: {0}")]
    Csv(#[from] csv::Error),
    /// The output cannot be written as Parquet.
    #[error("cannot write the output: {0}")]
    Parquet(#[from] ParquetError),
    /// The output file cannot be written.
    #[error("cannot write {file}: {source}")]
    File {
        /// The path of the file.
        file: String,
        /// The error of the file system.
        source: io::Error,
    },
    /// The partial file exists: another export writes it, was killed, or the file has another origin.
    #[error("{0} exists: wait for the export that writes it, or remove it if there is none")]
    PartExists(String),
    /// Parquet is binary, so it is not written to a terminal.
    #[error("Parquet is not for a terminal: name a file with --output, or redirect the output")]
    Terminal,
}

impl RecordsError {
    /// Whether the arguments are invalid.
    pub fn is_bad_usage(&self) -> bool {
        matches!(self, Self::EmptyPeriod(_) | Self::RepeatedKey(_))
    }
}

/// Ignores the error of a closed pipe, as after `head`.
pub(super) fn ignore_closed_pipe(result: Result<(), RecordsError>) -> Result<(), RecordsError> {
    let kind = match &result {
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
    if kind == Some(io::ErrorKind::BrokenPipe) { Ok(()) } else { result }
}
