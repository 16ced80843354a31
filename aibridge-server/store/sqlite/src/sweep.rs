//! The SQLite part of a sweep: scans for expired interceptions; the projector deletes them.

use crate::connection::{self, BUSY_TIMEOUT};
use crate::deletion::{BATCH, Deletion, Progress};
use crate::error::refused;
use crate::owners;
use crate::sink::SqliteSink;
use crate::time::to_text;
use aibridge_projector::ProjectorThread;
use aibridge_store_core::StoreError;
use aibridge_store_core::retention::{DeleteOutcome, Expired, ScanPage, SweepBackend};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// Number of interceptions that one short transaction scans.
const SCAN_ROWS: usize = 1000;

const FIND: &str = "SELECT id, started_at < ?3 AND ended_at IS NOT NULL FROM aibridge_interceptions \
    WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?4";

/// A text greater than every id.
const LAST: &str = "\u{10ffff}";

/// Time limit for a deletion, including the wait for the projector.
const LIMIT: Duration = Duration::from_secs(10);

/// Scans on a connection of its own, and passes deletions to the projector.
pub struct SqliteSweepBackend {
    path: PathBuf,
    /// The time of the last write to the files before this start.
    last_written: Option<Timestamp>,
    projector: Arc<ProjectorThread<SqliteSink>>,
    reader: Option<Connection>,
}

impl SqliteSweepBackend {
    pub(super) fn new(
        path: PathBuf,
        last_written: Option<Timestamp>,
        projector: Arc<ProjectorThread<SqliteSink>>,
    ) -> Self {
        Self { path, last_written, projector, reader: None }
    }

    /// The latest time with evidence in the store before this start.
    pub fn last_activity(&self) -> Option<Timestamp> {
        self.last_written
    }
}

impl SweepBackend for SqliteSweepBackend {
    /// The text in the file, so that a row with an invalid id does not stop a sweep.
    type Id = String;

    /// Records wait while it deletes, and the disk is busy: a sweep uses a twentieth of the time.
    const PAUSE_FACTOR: u32 = 19;

    async fn scan(
        &mut self,
        after: Option<&String>,
        expired: Expired,
    ) -> Result<ScanPage<String>, StoreError> {
        let (reader, path) = (self.reader.take(), self.path.clone());
        let after = after.cloned().unwrap_or_default();
        let found = spawn_blocking(move || {
            let reader = match reader {
                Some(reader) => reader,
                None => connection::open_reader(&path, BUSY_TIMEOUT)?,
            };
            let found = find(&reader, &after, expired).map_err(refused)?;
            Ok::<_, StoreError>((reader, found))
        });
        let (reader, found) = found.await.map_err(|error| StoreError::Database(error.to_string()))??;
        self.reader = Some(reader);
        Ok(found)
    }

    async fn delete(&mut self, ids: &[String], expired: Expired) -> Result<DeleteOutcome, StoreError> {
        let ids = ids.iter().take(BATCH).cloned().collect();
        let deletion = Deletion { ids, before: to_text(expired.before) };
        let Progress { done, deleted } = self
            .projector
            .run(LIMIT, async move |sink: &mut SqliteSink| sink.delete(|connection| deletion.run(connection)))
            .await??;
        Ok(DeleteOutcome::Done { done, deleted })
    }

    const OWNER_BATCH: u64 = owners::BATCH;

    async fn delete_owners(&mut self, expired: Expired) -> Result<DeleteOutcome, StoreError> {
        let before = to_text(expired.before);
        let deletion = async move |sink: &mut SqliteSink| {
            sink.delete(|connection| {
                let deleted = owners::delete(connection, &before)?;
                Ok(Progress { done: 1, deleted })
            })
        };
        let Progress { done, deleted } = self.projector.run(LIMIT, deletion).await??;
        Ok(DeleteOutcome::Done { done, deleted })
    }

    fn release(&mut self) {
        self.reader = None;
    }
}

fn find(reader: &Connection, after: &str, expired: Expired) -> rusqlite::Result<ScanPage<String>> {
    let below = expired.id_bound().map_or_else(|| LAST.to_owned(), |id| id.to_string());
    let mut statement = reader.prepare_cached(FIND)?;
    let mut rows = statement.query(params![after, below, to_text(expired.before), SCAN_ROWS as i64])?;
    let (mut scanned, mut last, mut found) = (0, None, Vec::new());
    while let Some(row) = rows.next()? {
        scanned += 1;
        let id: String = row.get(0)?;
        if row.get(1)? {
            found.push(id.clone());
        }
        last = Some(id);
    }
    Ok(ScanPage { expired: found, last: last.filter(|_| scanned == SCAN_ROWS) })
}
