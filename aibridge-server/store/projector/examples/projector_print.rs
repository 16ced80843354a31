//! Records the owners of objects in a temporary journal, and projects them to a database that prints its rows instead of
//! storing them.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_projector::journals::{self, OpenJournal};
use aibridge_projector::{Progress, Projector, ProjectorThread, Recording, Sink, SinkError, Task};
use aibridge_recorder::{ObjectOwner, Record};
use aibridge_store_core::{Batch, JournalOptions};
use async_trait::async_trait;
use jiff::Timestamp;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A database that keeps only its position.
#[derive(Default)]
struct PrintSink {
    position: u64,
}

#[async_trait]
impl Sink for PrintSink {
    async fn position(&mut self, _: Uuid) -> Result<u64, SinkError> {
        Ok(self.position)
    }

    async fn apply(&mut self, batch: &Batch, _: Uuid, position: Option<u64>) -> Result<(), SinkError> {
        let objects: Vec<_> = batch.owners.iter().map(|owner| owner.object_id.as_str()).collect();
        println!("a transaction with the objects {objects:?}, then the position {position:?}");
        self.position = position.unwrap_or(self.position);
        Ok(())
    }

    async fn close_orphans(&mut self, _: Uuid) -> Result<u64, SinkError> {
        Ok(0)
    }
}

fn owner(object: &str) -> Record {
    Record::Owner(ObjectOwner {
        provider_name: "openai".into(),
        object_id: object.into(),
        initiator_id: "ada".into(),
        created_at: Timestamp::now(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let options = JournalOptions::new(directory.path().join("journal"));
    let OpenJournal { journal, .. } = journals::open(&options, true)?;
    let progress = Arc::new(Progress::new(journal.clone()));
    let task = Task {
        projector: Projector::new(journal.clone(), progress.clone(), Arc::default(), None),
        sink: PrintSink::default(),
        journal: journal.clone(),
        progress: progress.clone(),
        leftovers: Vec::new(),
        is_awaited: false,
    };
    let projector = ProjectorThread::start(task, |_| ())?;
    let recording = Recording::new(journal.clone(), progress.clone(), &options, || Ok(()));
    for objects in [&["conv_1", "resp_1"][..], &["resp_2"]] {
        // A call is one frame of the journal.
        recording.record(objects.iter().map(|object| owner(object)).collect()).await?;
        println!("recorded {objects:?}");
    }
    println!("projected: {}", progress.wait_for_all(Duration::from_secs(5)).await);
    projector.stop(Duration::from_secs(5)).await;
    journals::close(&journal, &progress);
    Ok(())
}
