mod trusted_time;

use crate::StoreError;
use crate::postgres::PostgresSweeps;
use crate::query::first_id;
use crate::sqlite::SqliteSweeps;
use jiff::{SignedDuration, Timestamp};
use quanta::Clock;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trusted_time::TrustedTime;
use uuid::Uuid;

/// How long a sweep rests after each step, at least and at most.
const SHORTEST_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How often in a row it is turned away by others who write before it gives up.
const TURNED_AWAY: u32 = 100;

/// Which interceptions are to go: those that have ended, and started before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// Exclusive, in whole milliseconds.
    pub before: Timestamp,
    /// Where to look for them.
    pub reach: Reach,
}

/// Where to look for old interceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Among those whose ids, which tell the time too, are as old. Others need not be read.
    Oldest,
    /// Among all: somebody may have brought in rows, or changed them.
    All,
}

impl Old {
    /// The id below which they are looked for, if not everywhere.
    pub(crate) fn below(&self) -> Option<Uuid> {
        match self.reach {
            Reach::Oldest => Some(first_id(self.before)),
            Reach::All => None,
        }
    }
}

/// `age` before `now`, in whole milliseconds.
fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    let before = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
    Timestamp::from_millisecond(before.as_millisecond()).unwrap_or(before)
}

/// Deletes old interceptions with all that belongs to them, a small batch at a time.
///
/// Batches are transactions of their own, and recording goes on between them. A sweep that is dropped ends after the
/// batch that is under way.
pub struct Sweeper {
    kind: Kind,
    clock: Clock,
    wall: fn() -> Timestamp,
    trusted: Option<TrustedTime>,
}

enum Kind {
    Sqlite(SqliteSweeps),
    Postgres(PostgresSweeps),
}

impl From<SqliteSweeps> for Sweeper {
    fn from(sweeps: SqliteSweeps) -> Self {
        Self::new(Kind::Sqlite(sweeps))
    }
}

impl From<PostgresSweeps> for Sweeper {
    fn from(sweeps: PostgresSweeps) -> Self {
        Self::new(Kind::Postgres(sweeps))
    }
}

impl Sweeper {
    fn new(kind: Kind) -> Self {
        Self { kind, clock: Clock::new(), wall: Timestamp::now, trusted: None }
    }

    /// When what is of this `age` started, by the clock of the database if it has one. A clock that jumps ahead is not
    /// believed at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn before(&mut self, age: Duration) -> Result<Timestamp, StoreError> {
        let wall = match &mut self.kind {
            Kind::Sqlite(_) => (self.wall)(),
            Kind::Postgres(sweeps) => sweeps.now().await?,
        };
        let trusted = match &mut self.trusted {
            Some(trusted) => trusted,
            none => {
                let last_sign = match &mut self.kind {
                    Kind::Sqlite(sweeps) => sweeps.last_sign(),
                    Kind::Postgres(sweeps) => sweeps.last_sign().await?,
                };
                none.insert(TrustedTime::new(wall, last_sign, self.clock.now()))
            }
        };
        Ok(before(trusted.read(wall, self.clock.now()), age))
    }

    /// Deletes what is `old`, and tells `each` how many interceptions after every batch. If another gateway is deleting
    /// on the same database, it leaves the rest to that one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::TooSlow`], [`StoreError::Closed`].
    pub async fn sweep(&mut self, old: Old, each: impl FnMut(u64)) -> Result<(), StoreError> {
        match &mut self.kind {
            Kind::Sqlite(sweeps) => run(sweeps, old, each).await,
            Kind::Postgres(sweeps) => run(sweeps, old, each).await,
        }
    }
}

/// What a sweep needs of a database.
pub(crate) trait Sweeps {
    /// How an interception is named.
    type Id: Clone;

    /// A sweep rests so many times as long as each step took, what it had to wait for included.
    const REST: u32;

    /// Looks at the next interceptions behind `after`, a bounded number.
    async fn find(&mut self, after: Option<&Self::Id>, old: Old) -> Result<Found<Self::Id>, StoreError>;

    /// Deletes some of these, from the first on, as far as they are still old.
    async fn delete(&mut self, ids: &[Self::Id], old: Old) -> Result<Batch, StoreError>;

    /// How many owners of objects one call of [`delete_owners`](Self::delete_owners) deletes at most.
    const OWNERS: u64;

    /// Deletes some owners of objects that were recorded before `old.before`. They have no id that tells their age, so
    /// that `old.reach` makes no difference.
    async fn delete_owners(&mut self, old: Old) -> Result<Batch, StoreError>;

    /// Gives back what only a sweep needs.
    fn release(&mut self);
}

/// What was found in a bounded stretch of all interceptions.
pub(crate) struct Found<I> {
    pub(crate) old: Vec<I>,
    /// The last one that was looked at; `None` if there are no more.
    pub(crate) last: Option<I>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// So many of the ids are done with, and so many interceptions are deleted. Nothing is done if others are writing.
    Done { done: usize, deleted: u64 },
    /// Another gateway is deleting.
    Elsewhere,
}

async fn run<S: Sweeps>(sweeps: &mut S, old: Old, each: impl FnMut(u64)) -> Result<(), StoreError> {
    let ended = match walk(sweeps, old, each).await {
        Ok(()) => walk_owners(sweeps, old).await,
        failed => failed,
    };
    sweeps.release();
    ended
}

async fn walk_owners<S: Sweeps>(sweeps: &mut S, old: Old) -> Result<(), StoreError> {
    let mut turned_away = 0;
    loop {
        match gently(S::REST, sweeps.delete_owners(old)).await? {
            Batch::Elsewhere => return Ok(()),
            Batch::Done { done: 0, .. } if turned_away == TURNED_AWAY => return Err(others_write()),
            Batch::Done { done: 0, .. } => turned_away += 1,
            Batch::Done { deleted, .. } if deleted < S::OWNERS => return Ok(()),
            Batch::Done { .. } => turned_away = 0,
        }
    }
}

fn others_write() -> StoreError {
    StoreError::Database("others are writing all the time".to_owned())
}

async fn walk<S: Sweeps>(sweeps: &mut S, old: Old, mut each: impl FnMut(u64)) -> Result<(), StoreError> {
    let (mut after, mut turned_away) = (None, 0);
    loop {
        let Found { old: ids, last } = gently(S::REST, sweeps.find(after.as_ref(), old)).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() {
            match gently(S::REST, sweeps.delete(left, old)).await? {
                Batch::Elsewhere => return Ok(()),
                Batch::Done { done: 0, .. } => {
                    turned_away += 1;
                    if turned_away == TURNED_AWAY {
                        return Err(others_write());
                    }
                }
                Batch::Done { done, deleted } => {
                    turned_away = 0;
                    left = left.get(done..).unwrap_or_default();
                    each(deleted);
                }
            }
        }
        if last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// Does it, and rests.
async fn gently<T>(rest: u32, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    sleep((began.elapsed() * rest).clamp(SHORTEST_REST, LONGEST_REST)).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, Options, SqliteStore};
    use quanta::Clock;

    /// What a clock says that jumped ahead.
    fn in_a_year() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(24 * 365)
    }

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_while_a_gateway_runs_makes_nothing_old() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options { path: directory.path().join("a.db"), durability: Durability::Process };
        let store = SqliteStore::open(options).expect("a store");
        let (clock, mock) = Clock::mock();
        let mut sweeper = Sweeper { clock, ..store.sweeper() };
        let age = Duration::from_secs(60 * 60 * 24 * 60);
        let first = sweeper.before(age).await.expect("a time");
        for wall in [in_a_year, in_a_year, Timestamp::now] {
            sweeper.wall = wall;
            mock.increment(Duration::from_secs(1));
            let moved = sweeper.before(age).await.expect("a time").duration_since(first);
            assert!(moved <= SignedDuration::from_mins(2), "by {moved}");
        }
        store.close().await;
    }
}
