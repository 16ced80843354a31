use crate::StoreError;
use crate::query::first_id;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long a sweep rests after each step, at least and at most.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How often in a row it is turned away by others who write before it gives up.
const MAX_REFUSALS: u32 = 100;

/// Which interceptions are to go: those that have ended, and started before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Exclusive, in whole milliseconds.
    pub before: Timestamp,
    /// Where to look for them.
    pub scope: ScanScope,
}

/// Where to look for old interceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanScope {
    /// Among those whose ids, which tell the time too, are as old. Others need not be read.
    Oldest,
    /// Among all: somebody may have brought in rows, or changed them.
    All,
}

impl Expired {
    /// The id below which they are looked for, if not everywhere.
    pub(crate) fn id_bound(&self) -> Option<Uuid> {
        match self.scope {
            ScanScope::Oldest => Some(first_id(self.before)),
            ScanScope::All => None,
        }
    }
}

/// What a sweep needs of a database.
pub(crate) trait SweepBackend {
    /// How an interception is named.
    type Id: Clone;

    /// A sweep rests so many times as long as each step took, what it had to wait for included.
    const PAUSE_FACTOR: u32;

    /// Looks at the next interceptions behind `after`, a bounded number.
    async fn scan(
        &mut self,
        after: Option<&Self::Id>,
        expired: Expired,
    ) -> Result<ScanPage<Self::Id>, StoreError>;

    /// Deletes some of these, from the first on, as far as they are still old.
    async fn delete(&mut self, ids: &[Self::Id], expired: Expired) -> Result<DeleteOutcome, StoreError>;

    /// How many owners of objects one call of [`delete_owners`](Self::delete_owners) deletes at most.
    const OWNER_BATCH: u64;

    /// Deletes some owners of objects that were recorded before `expired.before`. They have no id that tells their age, so
    /// that `expired.scope` makes no difference.
    async fn delete_owners(&mut self, expired: Expired) -> Result<DeleteOutcome, StoreError>;

    /// Gives back what only a sweep needs.
    fn release(&mut self);
}

/// What was found in a bounded stretch of all interceptions.
pub(crate) struct ScanPage<I> {
    pub(crate) expired: Vec<I>,
    /// The last one that was looked at; `None` if there are no more.
    pub(crate) last: Option<I>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeleteOutcome {
    /// So many of the ids are done with, and so many interceptions are deleted. Nothing is done if others are writing.
    Done { done: usize, deleted: u64 },
    /// Another gateway is deleting.
    OtherInstance,
}

pub(crate) async fn run<S: SweepBackend>(
    backend: &mut S,
    expired: Expired,
    each: impl FnMut(u64),
) -> Result<(), StoreError> {
    let ended = match sweep_interceptions(backend, expired, each).await {
        Ok(()) => sweep_owners(backend, expired).await,
        failed => failed,
    };
    backend.release();
    ended
}

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
    StoreError::Database("others are writing all the time".to_owned())
}

async fn sweep_interceptions<S: SweepBackend>(
    backend: &mut S,
    expired: Expired,
    mut each: impl FnMut(u64),
) -> Result<(), StoreError> {
    let (mut after, mut refusals) = (None, 0);
    loop {
        let ScanPage { expired: ids, last } =
            throttled(S::PAUSE_FACTOR, backend.scan(after.as_ref(), expired)).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() {
            match throttled(S::PAUSE_FACTOR, backend.delete(left, expired)).await? {
                DeleteOutcome::OtherInstance => return Ok(()),
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
            return Ok(());
        }
        after = last;
    }
}

/// Does it, and rests.
async fn throttled<T>(rest: u32, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    sleep((began.elapsed() * rest).clamp(MIN_PAUSE, MAX_PAUSE)).await;
    done
}
