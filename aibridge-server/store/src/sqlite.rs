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

/// How long one call waits for its place in the queue and its commit. The gateway has tighter limits of its own; nobody
/// waits forever who has none. Shorter, this would often be the next time at which Tokio has to wake, and it wakes itself
/// to hear of that: twice more for each record.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// How long [`SqliteStore::close`] waits for each of the two threads.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A store in one SQLite file. Its clones are the same store. It lives in a Tokio runtime with a timer.
#[derive(Clone)]
pub struct SqliteStore {
    parts: Arc<Parts>,
}

struct Parts {
    path: PathBuf,
    /// When the files were last written to before they were opened; `None` if they are new.
    last_written: Option<Timestamp>,
    writer: Arc<Worker<Work, Progress>>,
    authenticator: Authenticator,
    owners: Owners,
    orphans_closed: u64,
    commits: Arc<CommitObserver>,
}

impl SqliteStore {
    /// Opens the file, creates it or brings it to the latest schema if need be, closes what a dead gateway left
    /// open in it, and starts the threads that write and read. This blocks: it is meant for the start of a
    /// program.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`], which name the file and what to do.
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

    /// How many interceptions were found open and closed as `gateway_crash` at this start.
    pub fn orphans_closed(&self) -> u64 {
        self.parts.orphans_closed
    }

    /// Tells `observer` how long each transaction takes, on the thread that commits: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.parts.commits.set(observer);
    }

    /// How many callers wait for the next transaction.
    pub fn queue_length(&self) -> usize {
        self.parts.writer.queue_length()
    }

    /// Whose token it is; `None` if it is unknown, expired or revoked. A token that another process makes or
    /// revokes is known or refused within a second.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<TokenIdentity>, StoreError> {
        self.parts.authenticator.authenticate(token).await
    }

    /// The owner of each of the objects `ids` at `provider`, `None` for those that are unknown.
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

    /// Whether a record would be stored now: after what is queued, writes a row into each table that requests write and
    /// deletes it in the same transaction. Waits at most `limit`.
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

    /// Refuses whatever comes from now on, through any clone, finishes what is queued, and waits for the threads
    /// to end, a bounded time. Only then may another gateway take over what is open.
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
