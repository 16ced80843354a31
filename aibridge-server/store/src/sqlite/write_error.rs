//! The error of writing the records of one call.

use crate::StoreError;
use rusqlite::ErrorCode;

/// The records of a call were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The records conflict with stored rows. Other calls in the transaction are not affected.
    #[error("{0}")]
    Conflict(String),
    /// The database failed, and the whole transaction with it.
    #[error(transparent)]
    Failure(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => Self::Conflict(error.to_string()),
            _ => Self::Failure(error),
        }
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict(reason) => Self::Conflict(reason),
            WriteError::Failure(error) => error.into(),
        }
    }
}
