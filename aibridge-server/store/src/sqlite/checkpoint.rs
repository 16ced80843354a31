//! Moving the write-ahead log into the database, beside the writer: it takes a disk's time (10 ms and more), and every
//! request that is recorded meanwhile would wait for it.
//!
//! A thread with a connection of its own moves what is there while the log grows. The log can start anew only when all
//! of it is moved, which under load is never the case at the end of a pass: so when it is long enough, and only little
//! is left to move, the writer moves that little itself.

use parking_lot::Mutex;
use rusqlite::{Connection, hooks::Wal};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// After how many new pages of 4 KiB in the log they are moved.
const PASS: u32 = 1000;

/// How many pages of log make it time to start anew, how many may be left then, and from how many on the writer does not
/// wait for that any more.
const LONG: u32 = 4 * PASS;
const LITTLE: u32 = 100;
const TOO_LONG: u32 = 4 * LONG;

/// Follows the log's growth, in the writer's thread.
pub(super) struct Checkpoints {
    wake: SyncSender<()>,
    pass: Arc<Pass>,
    /// How long the log was when the thread was last asked, and now.
    asked_at: u32,
    pages: u32,
}

/// What the writer and the thread know of each other.
#[derive(Default)]
struct Pass {
    /// How many pages of the log are known to be moved.
    moved: AtomicU32,
    /// Locked while the thread moves pages.
    under_way: Mutex<()>,
}

/// The thread. It ends when its [`Checkpoints`] is dropped.
pub(super) type Mover = JoinHandle<()>;

impl Checkpoints {
    /// Starts the thread, on a connection that may write.
    pub(super) fn start(connection: Connection) -> io::Result<(Self, Mover)> {
        let (wake, asked) = sync_channel(1);
        let pass = Arc::new(Pass::default());
        let passes = pass.clone();
        let mover = Builder::new()
            .name("aibridge-store-checkpoint".to_owned())
            .spawn(move || passes.make(&connection, &asked))?;
        Ok((Self { wake, pass, asked_at: 0, pages: 0 }, mover))
    }

    /// Hears that the log is `pages` long after a commit.
    pub(super) fn committed(&mut self, wal: &mut Wal, pages: u32) {
        if pages < self.pages {
            self.pass.moved.store(0, Ordering::Relaxed);
            self.asked_at = 0;
        }
        self.pages = pages;
        let left = pages.saturating_sub(self.pass.moved.load(Ordering::Relaxed));
        if pages >= TOO_LONG {
            let _no_other = self.pass.under_way.lock();
            report(wal.checkpoint());
        } else if pages >= LONG && left <= LITTLE {
            report(wal.checkpoint());
        } else if pages - self.asked_at >= PASS || pages >= LONG {
            // If the queue is full, it has been asked already.
            let _ = self.wake.try_send(());
            self.asked_at = pages;
        }
    }
}

impl Pass {
    fn make(&self, connection: &Connection, asked: &Receiver<()>) {
        while asked.recv().is_ok() {
            let _under_way = self.under_way.lock();
            let pass = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
            if let Ok(pages) = &pass {
                // Less than none: the database has no log.
                self.moved.store(u32::try_from(*pages).unwrap_or_default(), Ordering::Relaxed);
            }
            report(pass.map(drop));
        }
    }
}

/// Nothing is lost by a pass that fails: the next one moves the pages.
fn report(pass: rusqlite::Result<()>) {
    if let Err(error) = pass {
        tracing::warn!(%error, "the store's log could not be moved into the database yet");
    }
}
