use crate::StoreError;
use rusqlite::ErrorCode;

/// Why a caller's records were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// They contradict what is stored. Other callers' records are not affected.
    #[error("{0}")]
    Conflict(String),
    /// The database failed, and with it the whole transaction.
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
