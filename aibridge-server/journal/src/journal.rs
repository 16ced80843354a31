//! The public interface of the journal.

mod append;
mod open;

use crate::log::{Admission, AppendError, AppendedFrame};
use crate::options::{Durability, Maintenance, Options};
use crate::reader::Reader;
use crate::shared::{Shared, SyncError};
use crate::space::Reservation;
use crate::stats::Stats;
use aibridge_journal_format::{Disk, LocalDisk, OpenError, Recovery, frame_bytes};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use uuid::Uuid;

/// An open journal. No other process can open it meanwhile.
///
/// Dropping it stops its thread; what was appended stays. [`Journal::close`] also makes it durable.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    clock: quanta::Clock,
    max_payload_bytes: usize,
    large_payload_bytes: usize,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal in a directory, which is created if it does not exist, and returns what was found in it. Reads all
    /// files, so it blocks.
    ///
    /// # Errors
    ///
    /// If another process uses it, a later version wrote it, or the file system fails. Damage is no error.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<(Self, Recovery), OpenError> {
        let disk = LocalDisk::new(directory.as_ref()).map_err(OpenError::io("the directory"))?;
        Self::open_on(Arc::new(disk), options)
    }

    /// Opens the journal on any [`Disk`].
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovery), OpenError> {
        let (maintenance, clock) = (options.maintenance, options.clock.clone());
        let max_payload_bytes = options.max_payload_bytes.min(i32::MAX as usize);
        let large_payload_bytes = options.large_payload_bytes;
        let (shared, recovery) = open::open(disk, options)?;
        let shared = Arc::new(shared);
        let thread = match maintenance {
            Maintenance::Manual => None,
            Maintenance::Thread => {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name("journal".to_owned());
                Some(thread.spawn(move || shared.run_tasks()).map_err(OpenError::io("a thread"))?)
            }
        };
        Ok((Self { shared, clock, max_payload_bytes, large_payload_bytes, thread }, recovery))
    }

    /// The id of the journal. It stays the same when the journal is opened again.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.shared.journal
    }

    /// Appends a frame that needs no end, and returns its sequence number.
    ///
    /// # Errors
    ///
    /// Nothing of the frame is in the journal then.
    pub fn append(&self, kind: u16, payload: Bytes) -> Result<u64, AppendError> {
        let (sequence, _) = self.append_start(kind, payload, 0)?;
        Ok(sequence)
    }

    /// Appends a frame that begins something, and reserves `end_bytes` for the frames that end it. Each of these takes
    /// [`FRAME_OVERHEAD`](crate::FRAME_OVERHEAD) more than its payload.
    ///
    /// # Errors
    ///
    /// Nothing of the frame is in the journal then, and nothing is reserved.
    pub fn append_start(
        &self,
        kind: u16,
        payload: Bytes,
        end_bytes: u64,
    ) -> Result<(u64, Reservation), AppendError> {
        let AppendedFrame { sequence, reservation } =
            self.append_frame(kind, payload, &Admission::Start(end_bytes))?;
        Ok((sequence, reservation))
    }

    /// Appends a frame in the room that its start has reserved, and returns its sequence number.
    ///
    /// # Errors
    ///
    /// Nothing of the frame is in the journal then, and its room stays reserved: try again.
    pub fn append_end(
        &self,
        kind: u16,
        payload: Bytes,
        reservation: &mut Reservation,
    ) -> Result<u64, AppendError> {
        let bytes = frame_bytes(payload.len());
        let appended = self.append_frame(kind, payload, &Admission::End(reservation))?;
        reservation.consume(bytes);
        Ok(appended.sequence)
    }

    /// Completes when the frame with this sequence number is durable: at once with [`Durability::Process`], after a sync
    /// that all who wait share with [`Durability::Power`]. With [`Maintenance::Manual`] somebody must call
    /// [`Journal::sync`].
    ///
    /// # Errors
    ///
    /// If several syncs failed, each with another file. The frame stays in the journal, and may be durable later: wait
    /// again, or append a frame that revokes it.
    pub async fn durable(&self, sequence: u64) -> Result<(), SyncError> {
        if self.shared.durability == Durability::Process {
            return Ok(());
        }
        let mut synced = self.shared.synced.subscribe();
        let failures = {
            let synced = synced.borrow();
            if synced.through >= sequence {
                return Ok(());
            }
            synced.failures
        };
        self.shared.tasks.request(|wanted| wanted.sync = true);
        let is_decided =
            |synced: &crate::shared::SyncState| synced.through >= sequence || synced.failures > failures;
        match synced.wait_for(is_decided).await {
            Ok(synced) if synced.through >= sequence => Ok(()),
            Ok(synced) => Err(synced.error.clone().unwrap_or_else(closed)),
            Err(_) => Err(closed()),
        }
    }

    /// Makes all frames durable that this process appended, and returns the last one's sequence number. Waits for the disk.
    ///
    /// # Errors
    ///
    /// With [`Durability::Power`] as [`Journal::durable`]. With [`Durability::Process`] a sync is tried once, and frames that
    /// are no longer in memory are not written again.
    pub fn sync(&self) -> Result<u64, SyncError> {
        self.shared.sync()
    }

    /// Prepares the next file if it is needed soon, which the journal's thread does otherwise.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn maintain(&self) -> io::Result<()> {
        self.shared.prepare()
    }

    /// Reads the frames after the one with the sequence number `after`; all if that is 0. There should be one reader, which
    /// [releases](Journal::release) what it has read.
    #[must_use]
    pub fn reader(&self, after: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), after)
    }

    /// Releases the frames up to `through`: files without other frames are removed, or set aside if they are damaged.
    ///
    /// # Errors
    ///
    /// If a file could not be removed. The next call tries again.
    pub fn release(&self, through: u64) -> io::Result<()> {
        self.shared.release(through)
    }

    /// Whether a frame with `payload_bytes` that reserves `end_bytes` would be accepted now. Looks at the disk.
    ///
    /// # Errors
    ///
    /// The reason that it would be refused.
    pub fn check(&self, payload_bytes: usize, end_bytes: u64) -> Result<(), AppendError> {
        self.shared.log.lock().check(frame_bytes(payload_bytes), &Admission::Start(end_bytes))
    }

    /// The number of frames after the one with the sequence number `after`; of all frames if that is 0.
    #[must_use]
    pub fn frames_after(&self, after: u64) -> u64 {
        self.shared.log.lock().frames_after(after)
    }

    /// Figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let log = self.shared.log.lock();
        Stats {
            bytes: log.used(),
            max_bytes: log.space.max(),
            reserved_bytes: log.space.reserved(),
            files: log.file_count(),
            last: log.last(),
            synced: log.synced(),
            ..self.shared.counters.stats()
        }
    }

    /// Makes all frames of this process durable, and refuses further ones. Readers can continue. If all frames were
    /// released, the files contain none afterwards, so a new reader without a position finds nothing.
    ///
    /// # Errors
    ///
    /// If not everything could be made durable. The journal is closed all the same.
    pub fn close(&self) -> Result<(), SyncError> {
        // A file with a torn end cannot be finished.
        let intact = self.shared.log.lock().ensure_current(0).map_err(|error| SyncError(Arc::new(error)));
        let intact = intact.and_then(|()| self.forget_released().map_err(|error| SyncError(Arc::new(error))));
        let result = intact.and_then(|()| self.shared.sync().map(drop));
        let (finish, prepared) = {
            let mut log = self.shared.log.lock();
            (log.close(), log.take_prepared())
        };
        if let Some(prepared) = prepared {
            // It is empty, and the next start removes it otherwise.
            let _ = prepared.remove(&*self.shared.disk);
        }
        let _turn = self.shared.turn.lock();
        let finished = finish.filter(|_| result.is_ok()).map_or(Ok(()), |finish| finish.run());
        result.and(finished.map_err(|error| SyncError(Arc::new(error))))
    }

    /// Removes the current file if all of its frames were released.
    fn forget_released(&self) -> io::Result<()> {
        let last = {
            let mut log = self.shared.log.lock();
            if !log.rotate_if_released()? {
                return Ok(());
            }
            log.last()
        };
        self.shared.release(last)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.tasks.request(|wanted| wanted.stop = true);
        if let Some(thread) = self.thread.take() {
            // The directory is unlocked when this returns, if there is no reader.
            let _ = thread.join();
        }
    }
}

fn closed() -> SyncError {
    SyncError(Arc::new(io::Error::other("the journal is closed")))
}
