//! The loop that deletes expired interceptions in small batches, and the trait that a database implements for it.

use crate::StoreError;
use crate::query::first_id;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Minimum and maximum pause after each step of a sweep.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Number of consecutive steps that may be refused because other processes write, before a sweep fails.
const MAX_REFUSALS: u32 = 100;

/// The interceptions to delete: those that have ended and that started before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Exclusive upper bound of `started_at`, in whole milliseconds.
    pub before: Timestamp,
    /// The rows to scan.
    pub scope: ScanScope,
}

/// The rows that a sweep scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanScope {
    /// Rows whose ids, which contain the time of creation, are older than the bound.
    Oldest,
    /// All rows: rows may have been imported or changed.
    All,
}

impl Expired {
    /// Exclusive upper bound of the ids to scan; `None` for all rows.
    pub fn id_bound(&self) -> Option<Uuid> {
        match self.scope {
            ScanScope::Oldest => Some(first_id(self.before)),
            ScanScope::All => None,
        }
    }
}

/// The operations of a database that a sweep uses.
#[allow(async_fn_in_trait, reason = "only crates of this workspace implement and call it")]
pub trait SweepBackend {
    /// The id of an interception.
    type Id: Clone;

    /// The pause after a step as a multiple of its duration, including the time it waited.
    const PAUSE_FACTOR: u32;

    /// Scans a bounded number of interceptions after the id `after`.
    async fn scan(
        &mut self,
        after: Option<&Self::Id>,
        expired: Expired,
    ) -> Result<ScanPage<Self::Id>, StoreError>;

    /// Deletes a prefix of `ids`, as far as they are still expired.
    async fn delete(&mut self, ids: &[Self::Id], expired: Expired) -> Result<DeleteOutcome, StoreError>;

    /// Maximum number of object owners that one call of [`delete_owners`](Self::delete_owners) deletes.
    const OWNER_BATCH: u64;

    /// Deletes some object owners recorded before `expired.before`. Their ids contain no time, so `expired.scope` has
    /// no effect.
    async fn delete_owners(&mut self, expired: Expired) -> Result<DeleteOutcome, StoreError>;

    /// Releases the connection that only a sweep uses.
    fn release(&mut self);
}

/// The expired interceptions in a bounded range of all interceptions.
pub struct ScanPage<I> {
    /// The ids of the expired ones.
    pub expired: Vec<I>,
    /// The last scanned id; `None` if no rows follow.
    pub last: Option<I>,
}

/// The result of a delete step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// `done` ids are processed and `deleted` rows deleted. Both are 0 if another process held the write lock.
    Done {
        /// The number of processed ids.
        done: usize,
        /// The number of deleted rows.
        deleted: u64,
    },
    /// Another instance runs a sweep on the same database.
    OtherInstance,
}

/// Deletes expired interceptions, then expired object owners.
pub async fn run<S: SweepBackend>(
    backend: &mut S,
    expired: Expired,
    each: impl FnMut(u64),
) -> Result<(), StoreError> {
    let ended = match sweep_interceptions(backend, expired, each).await {
        Ok(true) => sweep_owners(backend, expired).await,
        // It would take the lock between two batches of the other instance, which then would end its sweep.
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    backend.release();
    ended
}

/// Deletes expired object owners until none is left.
async fn sweep_owners<S: SweepBackend>(backend: &mut S, expired: Expired) -> Result<(), StoreError> {
    let mut refusals = 0;
    loop {
        match throttled(S::PAUSE_FACTOR, backend.delete_owners(expired)).await? {
            DeleteOutcome::OtherInstance => return Ok(()),
            DeleteOutcome::Done { done: 0, .. } if refusals == MAX_REFUSALS => return Err(always_busy()),
            DeleteOutcome::Done { done: 0, .. } => refusals += 1,
            DeleteOutcome::Done { deleted, .. } if deleted < S::OWNER_BATCH => return Ok(()),
            DeleteOutcome::Done { .. } => refusals = 0,
        }
    }
}

fn always_busy() -> StoreError {
    StoreError::Database("the database is busy with other writers; the next sweep tries again".to_owned())
}

/// Scans all interceptions and deletes the expired ones. Calls `each` with the number that each batch deleted. Returns
/// whether no other instance did.
async fn sweep_interceptions<S: SweepBackend>(
    backend: &mut S,
    expired: Expired,
    mut each: impl FnMut(u64),
) -> Result<bool, StoreError> {
    let (mut after, mut refusals) = (None, 0);
    loop {
        let ScanPage { expired: ids, last } =
            throttled(S::PAUSE_FACTOR, backend.scan(after.as_ref(), expired)).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() {
            match throttled(S::PAUSE_FACTOR, backend.delete(left, expired)).await? {
                DeleteOutcome::OtherInstance => return Ok(false),
                DeleteOutcome::Done { done: 0, .. } => {
                    refusals += 1;
                    if refusals == MAX_REFUSALS {
                        return Err(always_busy());
                    }
                }
                DeleteOutcome::Done { done, deleted } => {
                    refusals = 0;
                    left = left.get(done..).unwrap_or_default();
                    each(deleted);
                }
            }
        }
        if last.is_none() {
            return Ok(true);
        }
        after = last;
    }
}

/// Runs one step, then pauses for a multiple of its duration.
async fn throttled<T>(rest: u32, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    sleep((began.elapsed() * rest).clamp(MIN_PAUSE, MAX_PAUSE)).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database on which another instance sweeps.
    struct Locked {
        owner_steps: u32,
        is_released: bool,
    }

    impl SweepBackend for Locked {
        type Id = u8;
        const PAUSE_FACTOR: u32 = 0;
        const OWNER_BATCH: u64 = 1;

        async fn scan(&mut self, _: Option<&u8>, _: Expired) -> Result<ScanPage<u8>, StoreError> {
            Ok(ScanPage { expired: vec![1], last: None })
        }

        async fn delete(&mut self, _: &[u8], _: Expired) -> Result<DeleteOutcome, StoreError> {
            Ok(DeleteOutcome::OtherInstance)
        }

        async fn delete_owners(&mut self, _: Expired) -> Result<DeleteOutcome, StoreError> {
            self.owner_steps += 1;
            Ok(DeleteOutcome::Done { done: 1, deleted: 0 })
        }

        fn release(&mut self) {
            self.is_released = true;
        }
    }

    // Its step on the owners could take the lock between two batches of the other instance, and end that sweep.
    #[tokio::test]
    async fn a_sweep_of_another_instance_is_left_alone() {
        let mut backend = Locked { owner_steps: 0, is_released: false };
        let expired = Expired { before: Timestamp::UNIX_EPOCH, scope: ScanScope::All };
        run(&mut backend, expired, |_| ()).await.expect("no error");
        assert_eq!((backend.owner_steps, backend.is_released), (0, true));
    }
}
