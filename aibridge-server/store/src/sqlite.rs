mod authenticator;
mod checkpoint;
mod connection;
mod deletion;
mod error;
mod file;
mod insert;
mod open_files;
mod orphans;
mod owners;
mod presence;
mod records;
mod rows;
mod schema;
mod sweeps;
mod time;
mod token_rows;
mod tokens;
mod verdict;
mod worker;
mod writer;

pub(crate) use records::SqliteRecords;
pub(crate) use sweeps::SqliteSweeps;
pub(crate) use tokens::SqliteTokens;

use crate::observe::CommitObserver;
use crate::{Authenticated, Options, StoreError, Sweeper};
use aibridge_recorder::{Record, Recorder, RecorderError};
use async_trait::async_trait;
use authenticator::Authenticator;
use deletion::Progress;
use error::no_thread;
use jiff::Timestamp;
use owners::Owners;
use presence::Presence;
use quanta::Clock;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;
use writer::{Work, Writer};

/// How long a transaction waits while another process writes. The gateway gives the start of an interception two
/// seconds in all: this leaves half a second to say why it was refused, and is far longer than a command that
/// makes a token needs.
const BUSY: Duration = Duration::from_millis(1500);

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
    writer: Worker<Work, Progress>,
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
        let (path, connection) = connection::writing(&options, BUSY)?;
        let mut presence = Presence::enter(&path)?;
        let orphans_closed = orphans::close(&connection, &presence, &path)?;
        presence.share()?;
        let reader = connection::reading(&path, BUSY)?;
        let authenticator =
            Authenticator::start(reader, Clock::new()).map_err(|error| no_thread(&path, &error))?;
        let mover = connection::moving(&path, BUSY)?;
        let commits = Arc::<CommitObserver>::default();
        let writer = Writer::start(connection, mover, &path, presence, commits.clone())
            .map_err(|error| no_thread(&path, &error))?;
        let owners = Owners::new(path.clone());
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
    /// [`StoreError::Database`], [`StoreError::TooSlow`], [`StoreError::Closed`].
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<Authenticated>, StoreError> {
        self.parts.authenticator.authenticate(token).await
    }

    /// The owner of each of the objects `ids` at `provider`, `None` for those that are unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::TooSlow`].
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
    /// [`StoreError::Database`], [`StoreError::TooSlow`], [`StoreError::Closed`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        self.write(Vec::new(), limit).await
    }

    /// What deletes old interceptions, if it is told to.
    pub fn sweeper(&self) -> Sweeper {
        SqliteSweeps::new(self.parts.clone()).into()
    }

    async fn write(&self, records: Vec<Record>, limit: Duration) -> Result<(), StoreError> {
        self.parts.writer.ask(Work::Record(records), limit).await.map(drop)
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
