//! The progress of the projector, for callers that wait for it and for metrics.

use crate::handover::Handover;
use aibridge_journal::Journal;
use parking_lot::Mutex;
use quanta::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// The state of a projector, which it shares with the recorder and with readers.
pub struct Progress {
    journal: Arc<Journal>,
    /// The records of recent frames, from the recorder to the projector.
    pub(crate) handover: Handover,
    /// The sequence number up to which all frames are in the database.
    projected: watch::Sender<u64>,
    /// Makes the projector commit without waiting for further frames.
    pub(crate) flush: Notify,
    /// The time since when the database refuses, and its last error.
    failure: Mutex<Option<(Instant, String)>>,
    /// Whether there is no failure.
    is_healthy: watch::Sender<bool>,
    waiting: AtomicUsize,
    rejected: AtomicU64,
    damaged: AtomicU64,
    /// The time of the oldest frame that is being projected, in microseconds since 1970; 0 if there is none.
    oldest_micros: AtomicU64,
}

/// The lag of the database behind the journal, and the figures of the journal.
#[derive(Debug, Clone, Default)]
pub struct JournalStats {
    /// The figures of the journal.
    pub journal: aibridge_journal::Stats,
    /// The number of frames that are not in the database yet. A frame holds the records of one call.
    pub lag_records: u64,
    /// The age of the oldest of them.
    pub lag: Duration,
    /// The number of records that the database refused for their content since the start.
    pub rejected: u64,
    /// The number of calls that wait until their records are durable.
    pub waiting: usize,
    /// The number of damages of the journal since the start.
    pub damaged: u64,
}

impl Progress {
    /// The state of a projector that has not started, for `journal`.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            handover: Handover::default(),
            projected: watch::Sender::new(0),
            flush: Notify::new(),
            failure: Mutex::default(),
            is_healthy: watch::Sender::new(true),
            waiting: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
            oldest_micros: AtomicU64::new(0),
        }
    }

    /// Whether this is the state of the projector of `journal`, and not of a journal that another process has left.
    pub(crate) fn is_of(&self, journal: &Journal) -> bool {
        self.journal.id() == journal.id()
    }

    /// Waits until all frames that are in the journal now are in the database, for at most `limit`. Returns whether they
    /// are.
    pub async fn wait_for_all(&self, limit: Duration) -> bool {
        let last = self.journal.stats().last;
        timeout(limit, self.wait_for(last)).await.is_ok()
    }

    /// Waits until the frame with this sequence number is in the database.
    pub(crate) async fn wait_for(&self, sequence: u64) {
        let mut projected = self.projected.subscribe();
        if *projected.borrow_and_update() >= sequence {
            return;
        }
        self.flush.notify_one();
        // The sender is a part of this value.
        let _ = projected.wait_for(|projected| *projected >= sequence).await;
    }

    /// Counts a call that waits until its records are durable, for as long as the result exists.
    pub(crate) fn count_waiting(&self) -> impl Drop + '_ {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// Whether the frame with this sequence number is in the database.
    pub(crate) fn has_projected(&self, sequence: u64) -> bool {
        *self.projected.borrow() >= sequence
    }

    /// The last error of the database, if it has refused for at least `age`.
    pub(crate) fn failure(&self, age: Duration) -> Option<String> {
        let failure = self.failure.lock();
        failure.as_ref().filter(|(since, _)| since.elapsed() >= age).map(|(_, error)| error.clone())
    }

    /// Waits until the last attempt of the projector succeeded.
    pub async fn wait_until_healthy(&self) {
        let mut is_healthy = self.is_healthy.subscribe();
        if !*is_healthy.borrow_and_update() {
            self.flush.notify_one();
        }
        // The sender is a part of this value.
        let _ = is_healthy.wait_for(|is_healthy| *is_healthy).await;
    }

    /// The present distance of the database from the journal.
    pub fn stats(&self) -> JournalStats {
        let journal = self.journal.stats();
        let lag_records = self.journal.frames_after(*self.projected.borrow());
        let oldest = self.oldest_micros.load(Ordering::Relaxed);
        let lag = match (lag_records, oldest) {
            (0, _) | (_, 0) => Duration::ZERO,
            (_, oldest) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                now.saturating_sub(Duration::from_micros(oldest))
            }
        };
        JournalStats {
            journal,
            lag_records,
            lag,
            rejected: self.rejected.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            damaged: self.damaged.load(Ordering::Relaxed),
        }
    }

    /// Records that frames are about to be projected. The oldest was appended at `unix_micros`.
    pub(crate) fn began(&self, unix_micros: u64) {
        self.oldest_micros.store(unix_micros, Ordering::Relaxed);
    }

    pub(crate) fn projected(&self, sequence: u64) {
        self.projected.send_if_modified(|projected| {
            let is_further = *projected < sequence;
            *projected = sequence.max(*projected);
            is_further
        });
    }

    /// Records that all frames that were read are in the database.
    pub(crate) fn idle(&self) {
        self.oldest_micros.store(0, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self, records: usize) {
        self.rejected.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Counts damages of the journal.
    pub fn damaged(&self, damages: u64) {
        self.damaged.fetch_add(damages, Ordering::Relaxed);
    }

    /// Records that the database refused.
    pub(crate) fn failed(&self, error: &str) {
        let mut failure = self.failure.lock();
        match &mut *failure {
            Some((_, last)) => error.clone_into(last),
            None => *failure = Some((Instant::now(), error.to_owned())),
        }
        self.is_healthy.send_replace(false);
    }

    /// Records that the database accepts. Returns whether it refused before.
    pub(crate) fn clear_failure(&self) -> bool {
        let was_failing = self.failure.lock().take().is_some();
        if was_failing {
            self.is_healthy.send_replace(true);
        }
        was_failing
    }
}

/// Counts one waiting call until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
