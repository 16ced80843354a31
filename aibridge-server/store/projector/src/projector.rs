//! The projector: applies the journal to the database, in order and exactly once.

mod backoff;
mod batch_size;
mod thread;

pub use thread::{ProjectorThread, Task};

use crate::observe::CommitObserver;
use crate::progress::Progress;
use aibridge_journal::{Frame, Journal, Reader};
use aibridge_recorder::Record;
use aibridge_store_core::payload::RECORDS;
use aibridge_store_core::{Batch, Rejected};
use async_trait::async_trait;
use batch_size::BatchSize;
use quanta::Instant;
use std::sync::Arc;
use uuid::Uuid;

/// A database as the projector uses it.
#[async_trait]
pub trait Sink: Send + 'static {
    /// The sequence number of the last frame of the journal that the database holds; 0 if there is none. Connects to the
    /// database if needed.
    async fn position(&mut self, journal: Uuid) -> Result<u64, SinkError>;

    /// Writes a batch and the position after it in one transaction. Without a position, the batch is a part of a frame.
    async fn apply(&mut self, batch: &Batch, journal: Uuid, position: Option<u64>) -> Result<(), SinkError>;

    /// Closes the interceptions that earlier processes with this journal left open, and returns their number.
    async fn close_orphans(&mut self, journal: Uuid) -> Result<u64, SinkError>;
}

/// The reason why a database did not store a batch.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A retry cannot succeed: a record of the batch is not acceptable. The connection can be used.
    #[error("{0}")]
    Content(String),
    /// The database does not accept anything now.
    #[error("{0}")]
    Unavailable(String),
}

/// Applies one journal to a database.
pub struct Projector {
    journal: Arc<Journal>,
    progress: Arc<Progress>,
    /// Whether callers wait for frames of this journal; `false` for a journal that another process has left.
    is_own: bool,
    commits: Arc<CommitObserver>,
    reader: Reader,
    size: BatchSize,
    /// The last frame of earlier processes, after which the interceptions are closed that they left open.
    boundary: Option<u64>,
    orphans_closed: u64,
}

impl Projector {
    /// Creates a projector. `boundary` is the sequence number of the last frame of earlier processes: after it, their open
    /// interceptions are closed. `None` leaves them open.
    pub fn new(
        journal: Arc<Journal>,
        progress: Arc<Progress>,
        commits: Arc<CommitObserver>,
        boundary: Option<u64>,
    ) -> Self {
        let reader = journal.reader(0);
        let size = BatchSize::default();
        let is_own = progress.is_of(&journal);
        Self { journal, progress, is_own, commits, reader, size, boundary, orphans_closed: 0 }
    }

    /// Continues after the last frame that the database has stored. Call it at the start, and after each failure.
    pub(crate) async fn seek<S: Sink>(&mut self, sink: &mut S) -> Result<(), SinkError> {
        let position = sink.position(self.journal.id()).await?;
        self.reader = self.journal.reader(position);
        self.size = BatchSize::default();
        self.finish(position);
        Ok(())
    }

    /// Projects the next frames. Returns `false` if there are none.
    pub(crate) async fn step<S: Sink>(&mut self, sink: &mut S) -> Result<bool, SinkError> {
        let last = self.journal.stats().last;
        let read = self.reader.read(self.size.bytes());
        let read = read.map_err(|error| SinkError::Unavailable(error.to_string()))?;
        for damage in &read.damage {
            tracing::error!(%damage, "the journal is damaged; what is intact is recorded, and the file is kept");
        }
        self.progress.damaged(read.damage.len() as u64);
        let first = read.frames.first();
        if let Some(boundary) = self.boundary
            && first.is_none_or(|first| first.head.sequence > boundary)
            && read.damage.is_empty()
        {
            self.orphans_closed = sink.close_orphans(self.journal.id()).await?;
            self.boundary = None;
        }
        let Some(first) = first else {
            if read.damage.is_empty() && self.is_own {
                self.progress.projected(last);
                self.progress.idle();
            }
            return Ok(!read.damage.is_empty());
        };
        if self.is_own {
            self.progress.began(first.head.unix_micros);
        }
        let began = Instant::now();
        self.project(sink, &read.frames).await?;
        let is_behind = read.frames.last().is_some_and(|frame| frame.head.sequence < last);
        self.size.adapt(is_behind, began.elapsed());
        Ok(true)
    }

    /// The number of interceptions of earlier processes that were closed; `None` until all of their frames are projected.
    pub(crate) fn orphans_closed(&self) -> Option<u64> {
        self.boundary.is_none().then_some(self.orphans_closed)
    }

    /// Projects frames. Frames that the database refuses for their content are found by halving.
    async fn project<S: Sink>(&mut self, sink: &mut S, frames: &[Frame]) -> Result<(), SinkError> {
        let mut left = vec![frames];
        while let Some(frames) = left.pop() {
            let Some(last) = frames.last() else { continue };
            let batch = Batch::of(frames, |frame| self.handed_over(frame));
            let began = Instant::now();
            match sink.apply(&batch, self.journal.id(), Some(last.head.sequence)).await {
                Ok(()) => {
                    self.commits.committed(began.elapsed());
                    self.count_rejected(&batch.rejected);
                    self.finish(last.head.sequence);
                }
                Err(SinkError::Content(_)) if frames.len() > 1 => {
                    let (first, second) = frames.split_at(frames.len() / 2);
                    left.extend([second, first]);
                }
                Err(SinkError::Content(reason)) => self.project_separately(sink, last, reason).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Projects the records of a frame one by one, and rejects those that the database refuses.
    async fn project_separately<S: Sink>(
        &mut self,
        sink: &mut S,
        frame: &Frame,
        reason: String,
    ) -> Result<(), SinkError> {
        let (journal, position) = (self.journal.id(), frame.head.sequence);
        let mut rejected = Vec::new();
        let records = match frame.head.kind {
            RECORDS => serde_json::from_slice::<Vec<Record>>(&frame.payload).unwrap_or_default(),
            _ => Vec::new(),
        };
        if records.is_empty() {
            rejected.push(Rejected::new(position, None, reason));
        }
        for record in records {
            match sink.apply(&Batch::of_records(vec![record.clone()]), journal, None).await {
                Ok(()) => {}
                Err(SinkError::Content(reason)) => {
                    rejected.push(Rejected::new(position, Some(&record), reason));
                }
                Err(error) => return Err(error),
            }
        }
        let mut batch = Batch::of_rejected(rejected);
        match sink.apply(&batch, journal, Some(position)).await {
            Err(SinkError::Content(_)) => {
                // The database may refuse the text of the record.
                batch.rejected.iter_mut().for_each(|rejected| rejected.record = None);
                sink.apply(&batch, journal, Some(position))
                    .await
                    .map_err(|error| SinkError::Unavailable(error.to_string()))?;
            }
            other => other?,
        }
        self.count_rejected(&batch.rejected);
        self.finish(position);
        Ok(())
    }

    fn count_rejected(&self, rejected: &[Rejected]) {
        for Rejected { id, interception_id, reason, .. } in rejected {
            tracing::error!(
                %id, interception = interception_id.map(|id| id.to_string()), reason,
                "the database rejected a record for its content; it is kept in aibridge_rejected_records"
            );
        }
        self.progress.rejected(rejected.len());
    }

    /// Releases the frames up to `position`, which the database has stored.
    fn finish(&self, position: u64) {
        if let Err(error) = self.journal.release(position) {
            tracing::warn!(%error, "could not remove a file of the journal; will retry");
        }
        if self.is_own {
            self.progress.projected(position);
        }
    }

    /// The records of a frame, if the recorder has handed them over.
    fn handed_over(&self, frame: &Frame) -> Option<Vec<Record>> {
        if self.is_own { self.progress.handover.take(frame.head.sequence) } else { None }
    }
}
