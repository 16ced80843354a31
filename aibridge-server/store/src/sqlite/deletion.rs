use quanta::Instant;
use rusqlite::{Connection, params};
use std::time::Duration;

/// How many interceptions are given to the writer at once, and for how long it deletes some of them, all that belongs
/// to one interception at least, before it looks at its queue again: whoever records meanwhile waits for that. Shorter
/// turns would write more pages for each interception.
pub(super) const BATCH: usize = 256;
const MAX_DURATION: Duration = Duration::from_millis(2);

const DELETE: &str =
    "DELETE FROM aibridge_interceptions WHERE id = ?1 AND ended_at IS NOT NULL AND started_at < ?2";

/// Interceptions that were found to be old.
pub(super) struct Deletion {
    pub(super) ids: Vec<String>,
    /// Those are old that started before.
    pub(super) before: String,
}

/// How far a deletion got in its turn.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// How many of the ids it is done with.
    pub(super) done: usize,
    /// How many interceptions it deleted.
    pub(super) deleted: u64,
}

impl Deletion {
    /// Deletes in the transaction that is open, as long as a turn may take.
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
