use std::time::Duration;

/// Why the store did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be opened as it is.
    #[error("cannot open the store {store}: {problem}; {advice}")]
    Open {
        /// The database: its file, or its URL without a password.
        store: String,
        /// What stands in the way.
        problem: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The store was written by a later version of aibridge.
    #[error(
        "cannot open the store {store}: it has schema {found}, and this version of aibridge knows schemas up to \
         {known}; run the version that wrote it, or name another store"
    )]
    NewerSchema {
        /// The database: its file, or its URL without a password.
        store: String,
        /// The schema of the store.
        found: i64,
        /// The latest schema that this version knows.
        known: i64,
    },
    /// The database did not do it now, e.g. because the disk is full or another process holds the write lock.
    #[error("the database refused: {0}")]
    Database(String),
    /// A file of the store is not the one that was opened: what is written to it would be lost.
    #[error(
        "the store's file {file} was removed, moved or replaced while it was open, and nothing is recorded in it; put \
         it back, or restart the gateway to open what is there now"
    )]
    FileGone {
        /// The database, its write-ahead log (`-wal`) or its index (`-shm`).
        file: String,
    },
    /// The database will never do it, e.g. because the id of a new row is taken.
    #[error("the records contradict what is stored: {0}")]
    Conflict(String),
    /// No answer came in time.
    #[error("the store did not answer within {0:?}")]
    Timeout(Duration),
    /// Reading was given up: nobody waits for it any more.
    #[error("nobody waits for it any more")]
    Cancelled,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The operating system gave no random bytes for a new token.
    #[error("no random bytes: {0}")]
    Randomness(String),
    /// A token cannot be made for this user name.
    #[error("{name:?} cannot be a user name: {rule}")]
    InvalidUser {
        /// The name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A token cannot live this long.
    #[error("a token cannot expire in {after:?}: {rule}")]
    InvalidExpiry {
        /// The time that was asked for.
        after: Duration,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

impl StoreError {
    /// A word for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::NewerSchema { .. } => "newer_schema",
            Self::Database(_) => "database",
            Self::FileGone { .. } => "file_gone",
            Self::Conflict(_) => "contradiction",
            Self::Timeout(_) => "too_slow",
            Self::Cancelled => "given_up",
            Self::Closed => "closed",
            Self::Randomness(_) => "randomness",
            Self::InvalidUser { .. } => "invalid_user",
            Self::InvalidExpiry { .. } => "invalid_expiry",
        }
    }

    /// Whether the caller asked for something impossible; otherwise the store or its surroundings are to blame.
    pub const fn is_caller_error(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::InvalidUser { .. } | Self::InvalidExpiry { .. })
    }

    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Open { .. }
                | Self::Database(_)
                | Self::FileGone { .. }
                | Self::Timeout(_)
                | Self::Randomness(_)
        )
    }
}
