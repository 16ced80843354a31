//! Stored sums, which keep sums over months quick.

use aibridge_postgres::PostgresRollup;
use aibridge_sqlite::SqliteRollup;
use aibridge_store_core::{StoreError, StoreOptions};
use jiff::Timestamp;

/// Keeps the stored sums of a store, on a connection of its own. All methods block, and must not be called from within a
/// runtime.
pub struct Rollup(Kind);

enum Kind {
    Sqlite(SqliteRollup),
    Postgres(Box<PostgresRollup>),
}

impl Rollup {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        Ok(Self(match options {
            StoreOptions::Sqlite(options) => Kind::Sqlite(SqliteRollup::open(options)?),
            StoreOptions::Postgres(options) => Kind::Postgres(Box::new(PostgresRollup::open(options)?)),
        }))
    }

    /// Sums up some quarter-hours that are over at `now`, or whose interceptions changed. Takes some milliseconds. Returns
    /// whether there may be more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn step(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        match &mut self.0 {
            Kind::Sqlite(rollup) => rollup.step(now),
            Kind::Postgres(rollup) => rollup.step(now),
        }
    }
}
