//! The state of an open journal behind one lock: the current file, and the segments that can be read.

mod append;
mod release;
mod sync;
mod take_over;

pub use append::AppendError;
pub(crate) use append::{Admission, AppendedFrame};
pub(crate) use release::{remove, set_aside};
pub(crate) use sync::{Finish, Unsynced};
pub(crate) use take_over::{prepare, prepare_with};

use crate::options::{Durability, Options};
use crate::space::Space;
use crate::tail::Tail;
use aibridge_journal_format::{Digest, Disk, DiskFile, FileName, Frame, Header, Seed, Segment, StoredFile};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    options: Options,
    journal: Uuid,
    pub(crate) space: Space,
    current: Current,
    /// An empty file that can take over at once.
    prepared: Option<Prepared>,
    /// Numbers the names of prepared files.
    preparations: Arc<AtomicU64>,
    /// The sequence number and the link of the last frame.
    last: (u64, Digest),
    /// The first sequence number of this process, and the last one before it.
    first: u64,
    before_first: u64,
    /// The readable segments, lowest sequence number first. The last one is in `current`, if that has frames.
    segments: VecDeque<Segment>,
    /// All files but the current one.
    files: Vec<Arc<StoredFile>>,
    tail: Tail,
    unsynced: Unsynced,
    location: append::Location,
    is_closed: bool,
    /// Whether the last write failed.
    is_failing: bool,
    buffer: Vec<u8>,
}

/// The current file, to which frames are appended.
#[derive(Debug)]
struct Current {
    stored: Arc<StoredFile>,
    file: Arc<dyn DiskFile>,
    seed: Seed,
    generation: u64,
    /// The offset of the next frame.
    end: u64,
    /// The length up to which it may grow, in bytes.
    capacity: u64,
    /// The bytes of released frames in it.
    released: u64,
    state: CurrentState,
}

/// Whether more can be appended to the current file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CurrentState {
    Intact,
    /// A failed write could not be undone.
    Torn,
    /// A sync failed: the frames that are not durable must be written again, to another file.
    Unsyncable,
}

/// A file to take over.
#[derive(Debug)]
pub(crate) struct Prepared {
    name: String,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

/// The inputs for preparing a file outside of the lock.
#[derive(Debug)]
pub(crate) struct Preparation {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) file_bytes: u64,
}

impl Prepared {
    /// Makes the length durable, so that later syncs have less to do.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    pub(crate) fn remove(&self, disk: &dyn Disk) -> std::io::Result<()> {
        disk.remove(&self.name)
    }
}

/// The recovered state that a log starts with.
pub(crate) struct Start {
    pub(crate) journal: Uuid,
    /// The sequence number of the first frame of this process.
    pub(crate) first: u64,
    /// The sequence number and the link of the frame before it.
    pub(crate) last: (u64, Digest),
    /// The highest generation so far.
    pub(crate) generation: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) files: Vec<Arc<StoredFile>>,
}

impl Log {
    /// Begins with a new file, which is durable afterwards.
    pub(crate) fn start(disk: Arc<dyn Disk>, options: Options, start: Start) -> std::io::Result<Self> {
        let preparations = Arc::default();
        let prepared = prepare(&*disk, &preparations, options.file_bytes)?;
        let current = take_over::first(&*disk, &options, &start, prepared)?;
        let location = append::Location { looked: options.clock.now(), is_there: true };
        Ok(Self {
            journal: start.journal,
            space: Space::new(options.max_bytes, options.reserve_bytes),
            prepared: None,
            preparations,
            last: start.last,
            first: start.first,
            before_first: start.last.0,
            segments: start.segments.into(),
            files: start.files,
            tail: Tail::new(options.tail_bytes),
            unsynced: Unsynced::new(start.first - 1),
            location,
            is_closed: false,
            is_failing: false,
            buffer: Vec::new(),
            current,
            options,
            disk,
        })
    }

    /// The sequence number of the last frame.
    pub(crate) fn last(&self) -> u64 {
        self.last.0
    }

    /// The sequence number that the next frame gets.
    fn next(&self) -> u64 {
        (self.last.0 + 1).max(self.first)
    }

    /// The bytes that are stored and not released.
    pub(crate) fn used(&self) -> u64 {
        let files = self.files.iter().filter(|file| !file.is_damaged()).map(|file| file.bytes());
        files.sum::<u64>() + self.current.stored.bytes() - self.current.released
    }

    pub(crate) fn file_count(&self) -> usize {
        self.files.len() + 1
    }

    pub(crate) fn synced(&self) -> u64 {
        self.unsynced.through()
    }

    /// The frames of the tail from `sequence` on. `None` if the tail does not reach back to it.
    pub(crate) fn recent_frames(&self, sequence: u64) -> Option<impl Iterator<Item = &Frame>> {
        self.tail.from(sequence)
    }

    /// The segment with the lowest sequence number from `sequence` on, and its file if it is open.
    pub(crate) fn segment(&self, sequence: u64) -> Option<(Segment, Option<Arc<dyn DiskFile>>)> {
        let index = self.segments.partition_point(|segment| segment.to < sequence);
        let segment = self.segments.get(index)?;
        let is_current = Arc::ptr_eq(&segment.file, &self.current.stored);
        Some((segment.clone(), is_current.then(|| Arc::clone(&self.current.file))))
    }

    /// The number of frames that can be read after the one with the sequence number `sequence`.
    pub(crate) fn frames_after(&self, sequence: u64) -> u64 {
        let unread = self.segments.iter().rev().take_while(|segment| segment.to > sequence);
        unread.map(|segment| segment.to - segment.from.max(sequence + 1) + 1).sum()
    }

    /// The lowest sequence number that must stay in memory.
    fn pinned(&self) -> u64 {
        match self.options.durability {
            Durability::Process => u64::MAX,
            Durability::Power => self.unsynced.through() + 1,
        }
    }

    fn header(&self, name: FileName, previous: (u64, Digest), bytes: u64) -> Header {
        Header { journal: self.journal, name, previous, allocated: bytes.min(self.options.file_bytes) }
    }
}
