//! The projection of journals that another process has left.
#![allow(clippy::unwrap_used, reason = "tests")]

use aibridge_journal::Journal;
use aibridge_projector::{CommitObserver, Progress, Projector, ProjectorThread, Sink, SinkError, Task};
use aibridge_recorder::{ObjectOwner, Record};
use aibridge_store_core::{Batch, payload};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A database that accepts the records of one journal only. It reports every batch.
struct PartialSink {
    accepted: Uuid,
    batches: mpsc::UnboundedSender<(Uuid, usize)>,
}

#[async_trait]
impl Sink for PartialSink {
    async fn position(&mut self, _: Uuid) -> Result<u64, SinkError> {
        Ok(0)
    }

    async fn apply(&mut self, batch: &Batch, journal: Uuid, _: Option<u64>) -> Result<(), SinkError> {
        let _ = self.batches.send((journal, batch.owners.len()));
        if journal == self.accepted { Ok(()) } else { Err(SinkError::Unavailable("refused".to_owned())) }
    }

    async fn close_orphans(&mut self, _: Uuid) -> Result<u64, SinkError> {
        Ok(0)
    }
}

fn journal_with(frames: usize) -> (tempfile::TempDir, Arc<Journal>) {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(directory.path(), aibridge_journal::Options::default()).unwrap();
    for _ in 0..frames {
        let owner = ObjectOwner {
            provider_name: "openai".to_owned(),
            object_id: "resp_1".to_owned(),
            initiator_id: "ada".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        journal.append(payload::RECORDS, payload::records(&[Record::Owner(owner)]).unwrap()).unwrap();
    }
    (directory, Arc::new(journal))
}

/// A leftover journal has sequence numbers of its own. They must not count for callers that wait for this journal.
#[tokio::test]
async fn the_frames_of_a_leftover_do_not_count_as_frames_of_this_journal() {
    let ((_left, leftover), (_own, own)) = (journal_with(5), journal_with(1));
    let progress = Arc::new(Progress::new(own.clone()));
    let projector = |journal: &Arc<Journal>| {
        Projector::new(journal.clone(), progress.clone(), Arc::<CommitObserver>::default(), None)
    };
    let (batches, mut applied) = mpsc::unbounded_channel();
    let task = Task {
        projector: projector(&own),
        sink: PartialSink { accepted: leftover.id(), batches },
        journal: own.clone(),
        progress: progress.clone(),
        leftovers: vec![projector(&leftover)],
        is_awaited: true,
    };
    let thread = ProjectorThread::start(task, drop).unwrap();
    assert_eq!(applied.recv().await, Some((leftover.id(), 5)));
    assert_eq!(applied.recv().await, Some((own.id(), 1)));
    assert!(!progress.wait_for_all(Duration::ZERO).await, "the own frame is not in the database");
    assert_eq!(progress.stats().lag_records, 1);
    assert!(thread.stop(Duration::ZERO).await);
}
