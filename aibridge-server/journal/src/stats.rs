//! Counters and sizes of a journal, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The upper bounds of [`Stats::append_times`], in microseconds. One more bucket counts what took longer.
pub const APPEND_BOUNDS_MICROS: [u64; 12] =
    [5, 10, 25, 50, 100, 250, 1_000, 5_000, 25_000, 100_000, 500_000, 2_500_000];

/// The state of a journal, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The bytes that are stored and not released.
    pub bytes: u64,
    /// The bytes that starts may store.
    pub max_bytes: u64,
    /// The bytes that are reserved for ends.
    pub reserved_bytes: u64,
    /// The number of files.
    pub files: usize,
    /// The number of frames that were appended since the journal was opened.
    pub frames: u64,
    /// The number of appends that were refused because there was no room.
    pub refused: u64,
    /// The number of appends that failed because the file system did.
    pub failed_appends: u64,
    /// The number of syncs that succeeded.
    pub syncs: u64,
    /// The number of syncs that failed. After each failure, another file takes over.
    pub failed_syncs: u64,
    /// The histogram of append times: the number of appends up to each of [`APPEND_BOUNDS_MICROS`] and above the bound
    /// before it, then the number of longer ones.
    pub append_times: [u64; APPEND_BOUNDS_MICROS.len() + 1],
    /// The duration of all appends together.
    pub append_total: Duration,
    /// The sequence number of the last frame. 0 if there is none.
    pub last: u64,
    /// The sequence number up to which the frames of this process are durable on the disk.
    pub synced: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) failed_appends: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) failed_syncs: AtomicU64,
    append_times: [AtomicU64; APPEND_BOUNDS_MICROS.len() + 1],
    append_nanos: AtomicU64,
}

impl Counters {
    pub(crate) fn appended(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = APPEND_BOUNDS_MICROS.partition_point(|bound| bound * 1000 < nanos);
        self.append_times[bucket].fetch_add(1, Relaxed);
        self.append_nanos.fetch_add(nanos, Relaxed);
        self.frames.fetch_add(1, Relaxed);
    }

    /// The counters, and zeros for the rest.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            frames: self.frames.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed_appends: self.failed_appends.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            failed_syncs: self.failed_syncs.load(Relaxed),
            append_times: std::array::from_fn(|index| self.append_times[index].load(Relaxed)),
            append_total: Duration::from_nanos(self.append_nanos.load(Relaxed)),
            ..Stats::default()
        }
    }
}

/// Adds one to the counter.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
