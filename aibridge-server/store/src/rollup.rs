//! Stored sums, which keep sums over months quick.

use aibridge_sqlite::SqliteRollup;
use aibridge_store_core::{StoreError, StoreOptions};
use jiff::Timestamp;

/// Keeps the stored sums of a store, on a connection of its own. All methods block.
///
/// PostgreSQL sums up a million interceptions quickly enough without.
pub struct Rollup(Option<SqliteRollup>);

impl Rollup {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        match options {
            StoreOptions::Sqlite(options) => SqliteRollup::open(options).map(|rollup| Self(Some(rollup))),
            StoreOptions::Postgres(_) => Ok(Self(None)),
        }
    }

    /// Sums up some quarter-hours that are over at `now`, or whose interceptions changed. Takes some milliseconds. Returns
    /// whether there may be more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn step(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.0.as_mut().map_or(Ok(false), |rollup| rollup.step(now))
    }
}
