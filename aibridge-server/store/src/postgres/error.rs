use crate::StoreError;
use std::error::Error as _;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why the database did not do something.
#[derive(Debug, thiserror::Error)]
pub(super) enum PgError {
    /// It said no, or nothing.
    #[error("{}", causes(.0))]
    Database(#[from] Error),
    /// Likewise, when tables were to be made or changed.
    #[error("{}", causes(.0))]
    Migration(Error),
    /// It did not answer in time.
    #[error("it did not answer within {0:?}")]
    TimedOut(Duration),
    /// It failed a moment ago, and was not asked again yet.
    #[error("{0}")]
    Backoff(String),
    /// A later version of aibridge has been there.
    #[error("it has schema {found}, and this version of aibridge knows schemas up to {known}")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The latest schema that this version knows.
        known: i64,
    },
}

/// Who wants to open a database, and is told what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opener {
    /// A gateway that is to record.
    Gateway,
    /// A command that writes.
    Command,
    /// A command that only reads.
    Reader,
}

impl PgError {
    /// Whether it is away, and may come back without anybody changing a setting.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Backoff(_) => true,
            Self::NewerSchema { .. } => false,
            Self::Database(error) | Self::Migration(error) => match error.code() {
                // Insufficient resources, operator intervention (it starts or stops), a standby.
                Some(code) => {
                    ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
                        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
                }
                None => !is_tls(error),
            },
        }
    }

    /// Whether the records are to blame, and no other try could succeed.
    pub(super) fn is_conflict(&self) -> bool {
        // Data exceptions, violated constraints, limits of the program.
        let Self::Database(error) = self else { return false };
        error.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.code().starts_with(class)))
    }

    /// What an operator is told at the start.
    pub(super) fn to_open_error(&self, store: &str, opener: Opener) -> StoreError {
        let store = store.to_owned();
        match self {
            Self::NewerSchema { found, known } => {
                StoreError::NewerSchema { store, found: *found, known: *known }
            }
            _ => StoreError::Open { store, problem: self.to_string(), advice: self.advice(opener) },
        }
    }

    fn advice(&self, opener: Opener) -> &'static str {
        let is_away = match opener {
            Opener::Gateway => {
                "see that it runs and can be reached, or let records wait for it in a store.spool"
            }
            Opener::Command | Opener::Reader => "see that it runs and can be reached",
        };
        let (Self::Database(error) | Self::Migration(error)) = self else { return is_away };
        match error.code() {
            Some(code) if code.code().starts_with("28") => {
                "check the user and the password in store.url, and the server's pg_hba.conf"
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => match opener {
                Opener::Gateway | Opener::Command => "create the database, or name another in store.url",
                Opener::Reader => "name the database of a gateway in store.url",
            },
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => match (self, opener) {
                (Self::Migration(_), _) => {
                    "grant its user the right to create tables in the schema, or start once as a user that has it"
                }
                (_, Opener::Gateway | Opener::Command) => {
                    "grant its user SELECT, INSERT, UPDATE and DELETE on all tables of aibridge"
                }
                (_, Opener::Reader) => "grant its user the right to read the tables",
            },
            None if is_tls(error) => "check sslmode and sslrootcert in store.url against what the server has",
            _ => is_away,
        }
    }
}

impl From<&PgError> for StoreError {
    fn from(error: &PgError) -> Self {
        if error.is_conflict() {
            Self::Conflict(error.to_string())
        } else {
            Self::Database(error.to_string())
        }
    }
}

/// The driver tells TLS failures from others only by their words.
fn is_tls(error: &Error) -> bool {
    error.to_string().contains("TLS")
}

/// The error with what is behind it: the driver says "db error" and keeps the rest to its causes.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
