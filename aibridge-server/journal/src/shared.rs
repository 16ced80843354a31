//! The state that a journal, its thread and its readers share.

use crate::log::{self, Log};
use crate::options::{Durability, Maintenance};
use crate::stats::{Counters, count};
use aibridge_journal_format::Disk;
use parking_lot::{Condvar, Mutex};
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// The number of attempts of a sync, each with another file.
const SYNC_ATTEMPTS: u32 = 3;

/// The reason that frames are not durable on the disk.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot make the journal durable: {0}")]
pub struct SyncError(pub(crate) Arc<io::Error>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) journal: Uuid,
    pub(crate) durability: Durability,
    pub(crate) maintenance: Maintenance,
    pub(crate) log: Mutex<Log>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) counters: Counters,
    pub(crate) appended: Notify,
    pub(crate) synced: watch::Sender<SyncState>,
    pub(crate) tasks: Tasks,
    /// Locked during a sync, so that all callers that arrive meanwhile share the next one.
    pub(crate) turn: Mutex<()>,
    /// The lock of the directory. The last field, so that it is released last.
    pub(crate) _lock: Box<dyn Debug + Send + Sync>,
}

/// The result of the last syncs, for callers that wait for the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SyncState {
    pub(crate) through: u64,
    /// The number of syncs that failed in all attempts.
    pub(crate) failures: u64,
    pub(crate) error: Option<SyncError>,
}

/// The tasks of the journal's thread.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    wanted: Mutex<PendingTasks>,
    changed: Condvar,
}

/// Tasks that were requested and not begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PendingTasks {
    pub(crate) sync: bool,
    pub(crate) prepare: bool,
    pub(crate) stop: bool,
}

impl Tasks {
    /// Requests tasks from the thread.
    pub(crate) fn request(&self, change: impl FnOnce(&mut PendingTasks)) {
        change(&mut self.wanted.lock());
        self.changed.notify_one();
    }

    /// Waits for requested tasks, and takes them.
    pub(crate) fn next(&self) -> PendingTasks {
        let mut wanted = self.wanted.lock();
        while !(wanted.sync || wanted.prepare || wanted.stop) {
            self.changed.wait(&mut wanted);
        }
        let next = *wanted;
        *wanted = PendingTasks { stop: wanted.stop, ..PendingTasks::default() };
        next
    }
}

impl Shared {
    /// Runs requested tasks until a stop is requested.
    pub(crate) fn run_tasks(&self) {
        loop {
            let wanted = self.tasks.next();
            if wanted.sync {
                // The waiting callers receive the error.
                let _ = self.sync();
            }
            if wanted.stop {
                return;
            }
            if wanted.prepare {
                // Without a prepared file, the append that needs one creates it, and returns the error.
                let _ = self.prepare();
            }
        }
    }

    /// Makes all frames durable that were appended before the call, and returns the last sequence number of them.
    pub(crate) fn sync(&self) -> Result<u64, SyncError> {
        let _turn = self.turn.lock();
        let result = self.try_sync().map_err(|error| SyncError(Arc::new(error)));
        self.synced.send_modify(|synced| match &result {
            Ok(through) => synced.through = *through,
            Err(error) => {
                synced.failures += 1;
                synced.error = Some(error.clone());
            }
        });
        result
    }

    fn try_sync(&self) -> io::Result<u64> {
        // With `Process`, frames that are no longer in memory cannot be written again, and no caller waits.
        let attempts = if self.durability == Durability::Power { SYNC_ATTEMPTS } else { 1 };
        let mut result = self.sync_once();
        for _ in 1..attempts {
            if result.is_ok() {
                break;
            }
            result = self.sync_once();
        }
        result
    }

    fn sync_once(&self) -> io::Result<u64> {
        let work = {
            let mut log = self.log.lock();
            log.check_location(true).map_err(io::Error::other)?;
            let Some(work) = log.sync_work()? else { return Ok(log.synced()) };
            work
        };
        if let Err(error) = work.run() {
            count(&self.counters.failed_syncs);
            self.log.lock().sync_failed();
            return Err(error);
        }
        count(&self.counters.syncs);
        let finishes = self.log.lock().synced_work(&work)?;
        for finish in finishes {
            // Optional: the header of the next file contains the same values as the trailer.
            let _ = finish.run();
        }
        Ok(work.through())
    }

    /// Releases frames, and removes the files that hold no others.
    pub(crate) fn release(&self, through: u64) -> io::Result<()> {
        let unread = self.log.lock().release(through);
        let (mut removed, mut result) = (Vec::new(), Ok(()));
        for file in unread {
            match log::remove(&*self.disk, &file) {
                Ok(()) => removed.push(file),
                Err(error) => result = Err(error),
            }
        }
        if !removed.is_empty() {
            self.log.lock().forget(&removed);
        }
        result
    }

    /// Prepares the next file if it is needed soon.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let log::Preparation { disk, numbers, file_bytes } = {
            let log = self.log.lock();
            if !log.wants_preparation() {
                return Ok(());
            }
            log.preparation()
        };
        let prepared = log::prepare(&*disk, &numbers, file_bytes)?;
        if let Err(error) = prepared.sync() {
            prepared.remove(&*disk)?;
            return Err(error);
        }
        let superfluous = self.log.lock().keep_prepared(prepared);
        superfluous.map_or(Ok(()), |prepared| prepared.remove(&*disk))
    }
}
