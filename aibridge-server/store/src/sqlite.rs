//! The store in one SQLite file. `writer` stores records, `authenticator` looks up tokens, `records` reads records.

mod authenticator;
mod checkpoint;
mod connection;
mod deletion;
mod error;
mod file;
mod insert;
mod lock_file;
mod open_files;
mod orphans;
mod owners;
mod records;
mod rollup;
mod rows;
mod schema;
mod sweep;
mod time;
mod token_rows;
mod tokens;
mod worker;
mod write_error;
mod writer;

pub(crate) use records::SqliteRecords;
pub(crate) use rollup::SqliteRollup;
pub(crate) use sweep::SqliteSweepBackend;
pub(crate) use tokens::SqliteTokens;

use crate::observe::CommitObserver;
use crate::{Options, StoreError, TokenIdentity};
use aibridge_recorder::{Record, Recorder, RecorderError};
use async_trait::async_trait;
use authenticator::Authenticator;
use deletion::Progress;
use error::thread_error;
use jiff::Timestamp;
use lock_file::LockFile;
use owners::Owners;
use quanta::Clock;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;
use writer::{Work, Writer};

/// Time limit for a `record` call, including the wait in the queue. The gateway has shorter limits of its own; this
/// one bounds callers that have none. A shorter limit would often be the next timer of the runtime, and cost two more
/// wake-ups for each record.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// Time limit for each of the two threads in [`SqliteStore::close`].
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A store in one SQLite file. Clones share one store. It needs a Tokio runtime with a timer.
#[derive(Clone)]
pub struct SqliteStore {
    parts: Arc<Parts>,
}

struct Parts {
    path: PathBuf,
    /// The modification time of the files before they were opened; `None` if they are new.
    last_written: Option<Timestamp>,
    writer: Arc<Worker<Work, Progress>>,
    authenticator: Authenticator,
    owners: Owners,
    orphans_closed: u64,
    commits: Arc<CommitObserver>,
}

impl SqliteStore {
    /// Opens the file, creates it or migrates it to the latest schema if needed, closes interceptions that a crashed
    /// gateway left open, and starts the writer and reader threads. This blocks: call it at the start of a program.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`]. Both name the file and say what to do.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let last_written = file::last_written(&options.path);
        let (path, connection) = connection::open_writer(&options, connection::BUSY_TIMEOUT)?;
        let mut lock = LockFile::acquire(&path)?;
        let orphans_closed = orphans::close(&connection, &lock, &path)?;
        lock.downgrade()?;
        let reader = connection::open_reader(&path, connection::BUSY_TIMEOUT)?;
        let authenticator =
            Authenticator::start(reader, Clock::new()).map_err(|error| thread_error(&path, &error))?;
        let checkpointer = connection::open_checkpointer(&path, connection::BUSY_TIMEOUT)?;
        let commits = Arc::<CommitObserver>::default();
        let writer = Writer::start(connection, checkpointer, &path, lock, commits.clone())
            .map_err(|error| thread_error(&path, &error))?;
        let owners = Owners::new(path.clone());
        let writer = Arc::new(writer);
        let parts = Parts { path, last_written, writer, authenticator, owners, orphans_closed, commits };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Number of interceptions that this start found open and closed as `gateway_crash`.
    pub fn orphans_closed(&self) -> u64 {
        self.parts.orphans_closed
    }

    /// Calls `observer` with the duration of each committed transaction, on the writer thread: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.parts.commits.set(observer);
    }

    /// Number of calls that wait for the next transaction.
    pub fn queue_length(&self) -> usize {
        self.parts.writer.queue_length()
    }

    /// The bearer of an access token; `None` if the token is unknown, expired or revoked. A token that another
    /// process creates or revokes is accepted or refused within a second.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<TokenIdentity>, StoreError> {
        self.parts.authenticator.authenticate(token).await
    }

    /// The owner of each object in `ids` at `provider`, in the same order; `None` for an unknown object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`].
    pub async fn object_owners(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        self.parts.owners.find(provider, ids).await
    }

    /// Checks whether the store accepts records: after the queued records, writes a row to each table that requests
    /// write to, and deletes it in the same transaction. Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        self.write(Vec::new(), limit).await
    }

    /// The part of a sweep that runs on this database.
    pub(crate) fn sweep_backend(&self) -> SqliteSweepBackend {
        let Parts { path, last_written, writer, .. } = &*self.parts;
        SqliteSweepBackend::new(path.clone(), *last_written, writer.clone())
    }

    async fn write(&self, records: Vec<Record>, limit: Duration) -> Result<(), StoreError> {
        self.parts.writer.submit(Work::Record(records), limit).await.map(drop)
    }

    /// Closes the store: later calls through any clone fail, queued records are still stored. Waits a bounded time
    /// for the threads to end. Only after that may another gateway close what is open.
    pub async fn close(self) {
        self.parts.authenticator.stop(CLOSE_LIMIT).await;
        self.parts.owners.close().await;
        self.parts.writer.stop(CLOSE_LIMIT).await;
    }
}

#[async_trait]
impl Recorder for SqliteStore {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        if records.is_empty() {
            return Ok(());
        }
        self.write(records, RECORD_LIMIT).await.map_err(RecorderError::unavailable)
    }
}
