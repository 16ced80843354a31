//! Deletion of expired interceptions, within one transaction of the projector.

use quanta::Instant;
use rusqlite::{Connection, params};
use std::time::Duration;

/// Number of interceptions in one request to the projector, and the time for which it deletes (at least one
/// interception) before it continues with records. Shorter turns would write more pages for each interception.
pub(super) const BATCH: usize = 256;
const MAX_DURATION: Duration = Duration::from_millis(2);

const DELETE: &str =
    "DELETE FROM aibridge_interceptions WHERE id = ?1 AND ended_at IS NOT NULL AND started_at < ?2";

/// Interceptions that a scan found expired.
pub(super) struct Deletion {
    pub(super) ids: Vec<String>,
    /// Exclusive upper bound of `started_at`, as stored.
    pub(super) before: String,
}

/// The progress of a deletion in one turn of the writer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Number of processed ids.
    pub(super) done: usize,
    /// Number of deleted interceptions.
    pub(super) deleted: u64,
}

impl Deletion {
    /// Deletes in the open transaction for at most [`MAX_DURATION`].
    pub(super) fn run(&self, connection: &Connection) -> rusqlite::Result<Progress> {
        let began = Instant::now();
        let mut statement = connection.prepare_cached(DELETE)?;
        let mut progress = Progress::default();
        for id in &self.ids {
            progress.deleted += statement.execute(params![id, self.before])? as u64;
            progress.done += 1;
            if began.elapsed() >= MAX_DURATION {
                break;
            }
        }
        Ok(progress)
    }
}
