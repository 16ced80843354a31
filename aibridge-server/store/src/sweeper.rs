//! The public handle that deletes expired interceptions of either database. [`aibridge_store_core::retention`] has the loop that it
//! runs.

mod trusted_time;

use crate::{PostgresStore, SqliteStore, StoreError};
use aibridge_postgres::PostgresSweepBackend;
use aibridge_sqlite::SqliteSweepBackend;
use aibridge_store_core::retention::{Expired, run};
use jiff::{SignedDuration, Timestamp};
use quanta::Clock;
use std::time::Duration;
use trusted_time::TrustedTime;

impl From<&SqliteStore> for Sweeper {
    fn from(store: &SqliteStore) -> Self {
        Self::new(Kind::Sqlite(store.sweep_backend()))
    }
}

impl From<&PostgresStore> for Sweeper {
    fn from(store: &PostgresStore) -> Self {
        Self::new(Kind::Postgres(store.sweep_backend()))
    }
}

/// The time `age` before `now`, in whole milliseconds.
fn age_before(now: Timestamp, age: Duration) -> Timestamp {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    let before = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
    Timestamp::from_millisecond(before.as_millisecond()).unwrap_or(before)
}

/// Deletes expired interceptions with all rows that belong to them, in small batches.
///
/// Each batch is a transaction of its own, and records are stored between batches. A sweep that is dropped ends after
/// the batch in progress.
pub struct Sweeper {
    kind: Kind,
    clock: Clock,
    wall: fn() -> Timestamp,
    trusted: Option<TrustedTime>,
}

enum Kind {
    Sqlite(SqliteSweepBackend),
    Postgres(PostgresSweepBackend),
}

impl Sweeper {
    fn new(kind: Kind) -> Self {
        Self { kind, clock: Clock::new(), wall: Timestamp::now, trusted: None }
    }

    /// The latest start time of an interception that is at least `age` old, by the clock of the database if it has
    /// one. A clock that jumps ahead is not trusted at once, see `TrustedTime`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn cutoff(&mut self, age: Duration) -> Result<Timestamp, StoreError> {
        let wall = match &mut self.kind {
            Kind::Sqlite(_) => (self.wall)(),
            Kind::Postgres(backend) => backend.now().await?,
        };
        let trusted = match &mut self.trusted {
            Some(trusted) => trusted,
            none => {
                let last_activity = match &mut self.kind {
                    Kind::Sqlite(backend) => backend.last_activity(),
                    Kind::Postgres(backend) => backend.last_activity().await?,
                };
                none.insert(TrustedTime::new(wall, last_activity, self.clock.now()))
            }
        };
        Ok(age_before(trusted.read(wall, self.clock.now()), age))
    }

    /// Deletes `expired` interceptions, and calls `each` with the number of interceptions after every batch. Returns
    /// early if another instance runs a sweep on the same database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn sweep(&mut self, expired: Expired, each: impl FnMut(u64)) -> Result<(), StoreError> {
        match &mut self.kind {
            Kind::Sqlite(backend) => run(backend, expired, each).await,
            Kind::Postgres(backend) => run(backend, expired, each).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, SqliteStore};
    use quanta::Clock;

    /// The reading of a clock that jumped ahead.
    fn one_year_ahead() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(24 * 365)
    }

    #[tokio::test]
    async fn a_clock_jump_expires_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options::new(directory.path().join("a.db"));
        let store = SqliteStore::open(options).expect("a store");
        let (clock, mock) = Clock::mock();
        let mut sweeper = Sweeper { clock, ..Sweeper::from(&store) };
        let age = Duration::from_secs(60 * 60 * 24 * 60);
        let first = sweeper.cutoff(age).await.expect("a time");
        for wall in [one_year_ahead, one_year_ahead, Timestamp::now] {
            sweeper.wall = wall;
            mock.increment(Duration::from_secs(1));
            let moved = sweeper.cutoff(age).await.expect("a time").duration_since(first);
            assert!(moved <= SignedDuration::from_mins(2), "by {moved}");
        }
        store.close().await;
    }
}
