use super::deletion::{BATCH, Deletion, Progress};
use super::time::to_text;
use super::writer::Work;
use super::{BUSY, Parts, connection, owners};
use crate::StoreError;
use crate::retention::{Batch, Found, Old, Sweeps};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How many interceptions are looked at in one short transaction.
const LOOK: usize = 1000;

const FIND: &str = "SELECT id, started_at < ?3 AND ended_at IS NOT NULL FROM aibridge_interceptions \
    WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?4";

/// No text comes after it.
const LAST: &str = "\u{10ffff}";

/// How long a deletion waits for its turn in the writer's queue, and for its end.
const LIMIT: Duration = Duration::from_secs(10);

/// Finds old interceptions with a connection of its own, which is in nobody's way, and has the writer delete them.
pub(crate) struct SqliteSweeps {
    parts: Arc<Parts>,
    reader: Option<Connection>,
}

impl SqliteSweeps {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self { parts, reader: None }
    }

    /// The latest time that is known to have come before this start.
    pub(crate) fn last_sign(&self) -> Option<Timestamp> {
        self.parts.last_written
    }
}

impl Sweeps for SqliteSweeps {
    /// As the file has it: no row is in the way because somebody gave it an odd one.
    type Id = String;

    /// Records wait while it deletes, and so does the disk for what it writes: a twentieth of the time.
    const REST: u32 = 19;

    async fn find(&mut self, after: Option<&String>, old: Old) -> Result<Found<String>, StoreError> {
        let (reader, path) = (self.reader.take(), self.parts.path.clone());
        let after = after.cloned().unwrap_or_default();
        let found = spawn_blocking(move || {
            let reader = match reader {
                Some(reader) => reader,
                None => connection::reading(&path, BUSY)?,
            };
            let found = find(&reader, &after, old)?;
            Ok::<_, StoreError>((reader, found))
        });
        let (reader, found) = found.await.map_err(|error| StoreError::Database(error.to_string()))??;
        self.reader = Some(reader);
        Ok(found)
    }

    async fn delete(&mut self, ids: &[String], old: Old) -> Result<Batch, StoreError> {
        let ids = ids.iter().take(BATCH).cloned().collect();
        let deletion = Deletion { ids, before: to_text(old.before) };
        let Progress { done, deleted } = self.parts.writer.ask(Work::Delete(deletion), LIMIT).await?;
        Ok(Batch::Done { done, deleted })
    }

    const OWNERS: u64 = owners::BATCH;

    async fn delete_owners(&mut self, old: Old) -> Result<Batch, StoreError> {
        let work = Work::DeleteOwners(to_text(old.before));
        let Progress { done, deleted } = self.parts.writer.ask(work, LIMIT).await?;
        Ok(Batch::Done { done, deleted })
    }

    fn release(&mut self) {
        self.reader = None;
    }
}

fn find(reader: &Connection, after: &str, old: Old) -> rusqlite::Result<Found<String>> {
    let below = old.below().map_or_else(|| LAST.to_owned(), |id| id.to_string());
    let mut statement = reader.prepare_cached(FIND)?;
    let mut rows = statement.query(params![after, below, to_text(old.before), LOOK as i64])?;
    let (mut looked_at, mut last, mut found) = (0, None, Vec::new());
    while let Some(row) = rows.next()? {
        looked_at += 1;
        let id: String = row.get(0)?;
        if row.get(1)? {
            found.push(id.clone());
        }
        last = Some(id);
    }
    Ok(Found { old: found, last: last.filter(|_| looked_at == LOOK) })
}
