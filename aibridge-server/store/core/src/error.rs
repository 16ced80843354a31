//! The error type of the crate.

use aibridge_journal::AppendError;
use std::time::Duration;

/// An operation of the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be opened.
    #[error("cannot open the store {store}: {problem}; {advice}")]
    Open {
        /// The database: its file, or its URL without a password.
        store: String,
        /// The cause, from the system or the database.
        problem: String,
        /// The action that helps, for an operator.
        advice: &'static str,
    },
    /// A later version of aibridge has migrated the store.
    #[error(
        "cannot open the store {store}: it has schema {found}, and this version of aibridge supports schemas up \
         to {known}; run the version that wrote it, or name another store"
    )]
    NewerSchema {
        /// The database: its file, or its URL without a password.
        store: String,
        /// The schema version of the store.
        found: i64,
        /// The latest schema version that this version of aibridge supports.
        known: i64,
    },
    /// The database failed for now, e.g. because the disk is full or another process holds the write lock.
    #[error("the database refused: {0}")]
    Database(String),
    /// The journal does not take the record.
    #[error("the journal refused: {0}")]
    Journal(String),
    /// A file of the store was removed or replaced while it was open: records written to it would be lost.
    #[error(
        "the store's file {file} was removed, moved or replaced while it was open, and nothing is recorded in it; put \
         it back, or restart the gateway to open the current file"
    )]
    FileGone {
        /// The database, its write-ahead log (`-wal`) or its index (`-shm`).
        file: String,
    },
    /// The records conflict with stored rows, e.g. because the id of a new row is taken. A retry cannot succeed.
    #[error("the records conflict with stored rows: {0}")]
    Conflict(String),
    /// The store did not respond in time.
    #[error("the store did not respond within {0:?}")]
    Timeout(Duration),
    /// The caller cancelled the read.
    #[error("the read was cancelled")]
    Cancelled,
    /// The store was closed before the call.
    #[error("the store is closed")]
    Closed,
    /// The operating system returned no random bytes for a new token.
    #[error("the operating system returned no random bytes: {0}")]
    Randomness(String),
    /// The user name of a new token is invalid.
    #[error("{name:?} cannot be a user name: {rule}")]
    InvalidUser {
        /// The invalid user name.
        name: String,
        /// The rule that the value violates.
        rule: &'static str,
    },
    /// The group of a new token is invalid.
    #[error("{name:?} cannot be a group: {rule}")]
    InvalidGroup {
        /// The invalid name of the group.
        name: String,
        /// The rule that the value violates.
        rule: &'static str,
    },
    /// The lifetime of a new token is invalid.
    #[error("a token cannot expire in {after:?}: {rule}")]
    InvalidExpiry {
        /// The requested lifetime.
        after: Duration,
        /// The rule that the value violates.
        rule: &'static str,
    },
}

impl StoreError {
    /// The kind of error as one word, for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::NewerSchema { .. } => "newer_schema",
            Self::Database(_) => "database",
            Self::Journal(_) => "journal",
            Self::FileGone { .. } => "file_gone",
            Self::Conflict(_) => "contradiction",
            Self::Timeout(_) => "too_slow",
            Self::Cancelled => "given_up",
            Self::Closed => "closed",
            Self::Randomness(_) => "randomness",
            Self::InvalidUser { .. } => "invalid_user",
            Self::InvalidGroup { .. } => "invalid_group",
            Self::InvalidExpiry { .. } => "invalid_expiry",
        }
    }

    /// Whether the caller passed invalid data. Otherwise the store or its environment caused the error.
    pub const fn is_caller_error(&self) -> bool {
        matches!(
            self,
            Self::Conflict(_)
                | Self::InvalidUser { .. }
                | Self::InvalidGroup { .. }
                | Self::InvalidExpiry { .. }
        )
    }

    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Open { .. }
                | Self::Database(_)
                | Self::Journal(_)
                | Self::FileGone { .. }
                | Self::Timeout(_)
                | Self::Randomness(_)
        )
    }
}

impl From<AppendError> for StoreError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Closed => Self::Closed,
            other => Self::Journal(other.to_string()),
        }
    }
}
