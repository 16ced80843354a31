//! Checkpoints of the write-ahead log beside the writer: a checkpoint takes a disk write (10 ms and more), and every
//! request that is recorded meanwhile would wait for it.
//!
//! A thread with a connection of its own checkpoints while the log grows. The log can be reset only when all of it is
//! in the database, which under load is never the case at the end of a pass. So when the log is long enough and only
//! little is left, the writer checkpoints the rest itself.
//!
//! SQLite lets one connection at a time checkpoint, and refuses the others with "database is locked". The thread and
//! the writer therefore share a lock. The writer does not wait for it unless the log is too long: the next commit
//! tries again.

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, hooks::Wal};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Number of new 4 KiB pages in the log after which the thread is woken.
const PASS_PAGES: u32 = 1000;

/// Number of pages in the log from which on the writer tries to reset it, if at most [`RESET_REMAINDER`] pages are
/// not in the database yet. From [`FORCE_PAGES`] on the writer waits for the lock and checkpoints.
const RESET_PAGES: u32 = 4 * PASS_PAGES;
const RESET_REMAINDER: u32 = 100;
const FORCE_PAGES: u32 = 4 * RESET_PAGES;

/// Decides after each commit whether a checkpoint is due. It runs on the writer's thread.
pub(super) struct CheckpointTrigger {
    wake: SyncSender<()>,
    state: Arc<CheckpointState>,
    /// Length of the log in pages at the last wake-up of the thread, and after the last commit.
    requested_at: u32,
    pages: u32,
}

/// State that the writer and the thread share.
#[derive(Default)]
struct CheckpointState {
    /// Number of pages of the log that are in the database.
    checkpointed: AtomicU32,
    /// Locked by the thread during its checkpoint, and by the writer during its own.
    running: Mutex<()>,
}

/// The checkpoint thread. It ends when its [`CheckpointTrigger`] is dropped.
pub(super) type Checkpointer = JoinHandle<()>;

impl CheckpointTrigger {
    /// Starts the thread on a connection that may write.
    pub(super) fn start(connection: Connection) -> io::Result<(Self, Checkpointer)> {
        let (wake, requests) = sync_channel(1);
        let state = Arc::new(CheckpointState::default());
        let thread_state = state.clone();
        let checkpointer = Builder::new()
            .name("aibridge-store-checkpoint".to_owned())
            .spawn(move || thread_state.run(&connection, &requests))?;
        Ok((Self { wake, state, requested_at: 0, pages: 0 }, checkpointer))
    }

    /// Called after each commit with the length of the log in pages.
    pub(super) fn on_commit(&mut self, wal: &mut Wal, pages: u32) {
        if pages < self.pages {
            self.state.checkpointed.store(0, Ordering::Relaxed);
            self.requested_at = 0;
        }
        self.pages = pages;
        let left = pages.saturating_sub(self.state.checkpointed.load(Ordering::Relaxed));
        if pages >= FORCE_PAGES {
            let _running = self.state.running.lock();
            report(wal.checkpoint());
        } else if pages >= RESET_PAGES && left <= RESET_REMAINDER {
            if let Some(_running) = self.state.running.try_lock() {
                report(wal.checkpoint());
            }
        } else if pages - self.requested_at >= PASS_PAGES || pages >= RESET_PAGES {
            // A full channel already holds a wake-up.
            let _ = self.wake.try_send(());
            self.requested_at = pages;
        }
    }
}

impl CheckpointState {
    fn run(&self, connection: &Connection, requests: &Receiver<()>) {
        while requests.recv().is_ok() {
            let _running = self.running.lock();
            let result =
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
            if let Ok(pages) = &result {
                // Negative if the database has no log.
                self.checkpointed.store(u32::try_from(*pages).unwrap_or_default(), Ordering::Relaxed);
            }
            report(result.map(drop));
        }
    }
}

/// Logs a failed checkpoint. Nothing is lost: the next one moves the pages. A busy error means that another process
/// checkpoints.
fn report(result: rusqlite::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            tracing::debug!(%error, "another process checkpoints the store");
        }
        Err(error) => {
            tracing::warn!(%error, "could not checkpoint the store; the next commit tries again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::connection::{self, BUSY_TIMEOUT};
    use crate::{Durability, Options};
    use std::fs;

    /// Commits about `bytes` bytes.
    fn commit(connection: &Connection, bytes: usize) {
        connection.execute("INSERT INTO filler VALUES (zeroblob(?1))", [bytes as i64]).expect("a commit");
    }

    #[test]
    fn the_writer_does_not_checkpoint_while_the_thread_does() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options { path: directory.path().join("a.db"), durability: Durability::Process };
        let (path, mut connection) = connection::open_writer(&options, BUSY_TIMEOUT).expect("a connection");
        connection.execute_batch("CREATE TABLE filler (data BLOB)").expect("a table");
        let (wake, _requests) = sync_channel(1);
        let state = Arc::new(CheckpointState::default());
        let mut trigger = CheckpointTrigger { wake, state: state.clone(), requested_at: 0, pages: 0 };
        let hook = move |wal: &mut Wal, pages| {
            trigger.on_commit(wal, u32::try_from(pages).expect("a number"));
            Ok(())
        };
        connection.wal_hook(Some(hook)).expect("a hook");
        let size = || fs::metadata(&path).expect("a file").len();
        let before = size();

        state.checkpointed.store(FORCE_PAGES, Ordering::Relaxed); // as if little were left
        let thread_pass = state.running.lock();
        commit(&connection, RESET_PAGES as usize * 4096);
        assert_eq!(size(), before, "the thread moves the pages");
        drop(thread_pass);
        commit(&connection, 1);
        assert!(size() > before + u64::from(RESET_PAGES) * 4096, "the writer moves what is left");
    }
}
