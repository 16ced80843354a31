use crate::StoreError;
use rusqlite::ErrorCode;

/// Why a caller's records were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Verdict {
    /// They contradict what is stored. Other callers' records are not affected.
    #[error("{0}")]
    Contradiction(String),
    /// The database failed, and with it the whole transaction.
    #[error(transparent)]
    Failure(rusqlite::Error),
}

impl From<rusqlite::Error> for Verdict {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => {
                Self::Contradiction(error.to_string())
            }
            _ => Self::Failure(error),
        }
    }
}

impl From<Verdict> for StoreError {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Contradiction(reason) => Self::Contradiction(reason),
            Verdict::Failure(error) => error.into(),
        }
    }
}
