//! Syncs: which frames and files are not durable yet, and how the state changes when a sync succeeds or fails.

use super::{CurrentState, Log};
use crate::options::Durability;
use aibridge_journal_format::{Digest, Disk, DiskFile, Seed, TRAILER_BYTES, Trailer};
use std::io;
use std::sync::Arc;

/// The most full files that wait for a sync with [`Durability::Process`]. Further ones are left to the operating system,
/// because that level promises no sync.
const WAITING_FILES: usize = 8;

/// The frames and files that are not durable yet.
#[derive(Debug)]
pub(crate) struct Unsynced {
    /// All frames up to this one are durable.
    through: u64,
    bytes: u64,
    /// Files that were full before their last frames were synced, oldest first.
    files: Vec<Arc<dyn DiskFile>>,
    /// Files that get a trailer when the file after them is durable.
    finishes: Vec<Finish>,
    /// Whether the current file has a name that is not durable.
    has_new_name: bool,
    /// The number of syncs that failed.
    failures: u64,
}

/// A file that gets its trailer.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) seed: Seed,
    pub(crate) end: u64,
    pub(crate) last: (u64, Digest),
    pub(crate) is_followed: bool,
}

/// The work of one sync.
#[derive(Debug)]
pub(crate) struct SyncWork {
    disk: Arc<dyn Disk>,
    files: Vec<Arc<dyn DiskFile>>,
    through: u64,
    bytes: u64,
    generation: u64,
    has_new_name: bool,
    failures: u64,
}

impl Unsynced {
    pub(super) fn new(through: u64) -> Self {
        Self { through, bytes: 0, files: Vec::new(), finishes: Vec::new(), has_new_name: false, failures: 0 }
    }

    pub(super) fn through(&self) -> u64 {
        self.through
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    pub(super) fn rotated(&mut self, file: Arc<dyn DiskFile>, finish: Option<Finish>) {
        self.files.push(file);
        self.finishes.extend(finish);
        self.has_new_name = true;
    }

    pub(super) fn rewritten(&mut self) {
        self.files.clear();
        self.has_new_name = true;
    }
}

impl SyncWork {
    /// The sequence number of the last frame that is durable after success.
    pub(crate) fn through(&self) -> u64 {
        self.through
    }

    /// Waits for the disk. No lock is held.
    pub(crate) fn run(&self) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.sync_data())?;
        if self.has_new_name { self.disk.sync_directory() } else { Ok(()) }
    }
}

impl Finish {
    /// Writes the trailer, and cuts what is after it.
    pub(crate) fn run(&self) -> io::Result<()> {
        let trailer = Trailer { is_followed: self.is_followed, last: self.last };
        self.file.write_at(&trailer.encode(self.seed, self.end), self.end)?;
        self.file.sync_data()?;
        self.file.set_len(self.end + TRAILER_BYTES as u64)
    }
}

impl Log {
    /// The work of the next sync; `None` if everything is durable.
    pub(crate) fn sync_work(&mut self) -> io::Result<Option<SyncWork>> {
        if self.current.state == CurrentState::Unsyncable {
            self.rewrite_unsynced()?;
        }
        if self.last.0 <= self.unsynced.through
            && self.unsynced.files.is_empty()
            && !self.unsynced.has_new_name
        {
            return Ok(None);
        }
        let mut files = self.unsynced.files.clone();
        files.push(Arc::clone(&self.current.file));
        Ok(Some(SyncWork {
            disk: Arc::clone(&self.disk),
            files,
            through: self.last.0,
            bytes: self.unsynced.bytes,
            generation: self.current.generation,
            has_new_name: self.unsynced.has_new_name,
            failures: self.unsynced.failures,
        }))
    }

    /// Records a successful sync, and returns the files that can be finished now.
    ///
    /// # Errors
    ///
    /// If another sync failed meanwhile: the operating system reports a lost write only once.
    pub(crate) fn synced_work(&mut self, work: &SyncWork) -> io::Result<Vec<Finish>> {
        if self.unsynced.failures != work.failures {
            return Err(io::Error::other("another sync failed meanwhile"));
        }
        self.unsynced.through = self.unsynced.through.max(work.through);
        self.unsynced.bytes -= work.bytes;
        let pinned = self.pinned();
        self.tail.shrink(pinned);
        // More frames may have been appended to the last of the files.
        let synced = &work.files[..work.files.len() - 1];
        self.unsynced.files.retain(|file| !synced.iter().any(|synced| Arc::ptr_eq(file, synced)));
        if self.current.generation != work.generation {
            return Ok(Vec::new());
        }
        self.unsynced.has_new_name = false;
        Ok(std::mem::take(&mut self.unsynced.finishes))
    }

    /// Records a failed sync: no file that took part is synced again.
    pub(crate) fn sync_failed(&mut self) {
        self.unsynced.failures += 1;
        self.unsynced.finishes.clear();
        self.current.state = CurrentState::Unsyncable;
    }

    /// Bounds the number of open files: leaves the oldest unsynced file to the operating system if no caller waits for it.
    pub(super) fn limit_waiting(&mut self) {
        if self.options.durability == Durability::Process && self.unsynced.files.len() > WAITING_FILES {
            let given_up = self.unsynced.files.remove(0);
            self.unsynced.finishes.retain(|finish| !Arc::ptr_eq(&finish.file, &given_up));
        }
    }

    /// Whether full files wait for a sync.
    pub(crate) fn wants_sync(&self) -> bool {
        !self.unsynced.files.is_empty()
    }

    /// Refuses further frames, and returns the trailer to write; `None` if the current file is not intact.
    pub(crate) fn close(&mut self) -> Option<Finish> {
        self.is_closed = true;
        (self.current.state == CurrentState::Intact).then(|| Finish {
            file: Arc::clone(&self.current.file),
            seed: self.current.seed,
            end: self.current.end,
            last: self.last,
            is_followed: false,
        })
    }
}
