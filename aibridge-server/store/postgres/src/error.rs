//! Errors of PostgreSQL: their classes, and advice for operators.

use aibridge_store_core::StoreError;
use std::error::Error as _;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// An operation on the database failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PgError {
    /// The server returned an error, or the connection failed.
    #[error("{}", causes(.0))]
    Database(#[from] Error),
    /// A migration failed.
    #[error("{}", causes(.0))]
    Migration(Error),
    /// The server did not respond in time.
    #[error("it did not respond within {0:?}")]
    TimedOut(Duration),
    /// The last attempt to connect failed with this message, and the backoff has not passed yet.
    #[error("{0}")]
    Backoff(String),
    /// Interceptions that end did not start.
    #[error("an interception has an end record, but no start record")]
    UnknownEnds,
    /// A later version of aibridge has migrated the database.
    #[error("it has schema {found}, and this version of aibridge supports schemas up to {known}")]
    NewerSchema {
        /// The schema version of the database.
        found: i64,
        /// The latest schema version that this version of aibridge supports.
        known: i64,
    },
}

/// The kind of program that opens a database; the advice depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opener {
    /// A gateway, which records.
    Gateway,
    /// A command that writes.
    Command,
    /// A command that only reads.
    Reader,
}

impl PgError {
    /// Whether the database is unavailable and may be back without a change of settings.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Backoff(_) => true,
            Self::NewerSchema { .. } | Self::UnknownEnds => false,
            Self::Database(error) | Self::Migration(error) => match error.code() {
                // Connection errors, insufficient resources, operator intervention (start or stop), and a standby
                // server.
                Some(code) => {
                    ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
                        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
                }
                None => !is_tls(error),
            },
        }
    }

    /// Whether the rows conflict with stored rows or violate a limit, so that no retry can succeed.
    pub(super) fn is_conflict(&self) -> bool {
        // Classes: several rows for one key, data exceptions, violated constraints, program limits.
        let error = match self {
            Self::Database(error) => error,
            Self::UnknownEnds => return true,
            _ => return false,
        };
        error
            .code()
            .is_some_and(|code| ["21", "22", "23", "54"].iter().any(|class| code.code().starts_with(class)))
    }

    /// The error for an operator when the store cannot be opened.
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
                "check that it runs and is reachable; store.durability = \"process\" starts without it, records wait in the journal"
            }
            Opener::Command | Opener::Reader => "check that it runs and is reachable",
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
            None if is_tls(error) => {
                "check sslmode and sslrootcert in store.url against the settings of the server"
            }
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

/// Whether TLS failed. The driver marks such errors only in their text.
fn is_tls(error: &Error) -> bool {
    error.to_string().contains("TLS")
}

/// The error with its causes: the text of the driver is only "db error". The detail of a server's error is left out,
/// because it may show a row, and with it a prompt.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some(error) = error.as_db_error() {
        return format!("{text}: {}: {}", error.severity(), error.message());
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
