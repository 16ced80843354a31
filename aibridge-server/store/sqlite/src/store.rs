//! The open store: it starts the threads, and forwards each call to the part that does it.

use crate::authenticator::Authenticator;
use crate::error::thread_error;
use crate::lock_file::LockFile;
use crate::open_files::OpenFiles;
use crate::owners::Owners;
use crate::sink::SqliteSink;
use crate::sweep::SqliteSweepBackend;
use crate::{connection, file};
use aibridge_projector::journals::{self, OpenJournal};
use aibridge_projector::{
    CommitObserver, JournalStats, Progress, Projector, ProjectorThread, Recording, Task,
};
use aibridge_recorder::{Record, Recorder, RecorderError};
use aibridge_store_core::{Durability, Options, StoreError};
use aibridge_tokens::TokenIdentity;
use async_trait::async_trait;
use jiff::Timestamp;
use quanta::Clock;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::time::timeout;

/// Time limit in [`SqliteStore::close`], for each of the two threads.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Time limit for the projector before the owner of an object is looked up.
const OWNERS_WAIT: Duration = Duration::from_secs(2);

/// A store in one SQLite file. Clones share one store. It needs a Tokio runtime with a timer.
#[derive(Clone)]
pub struct SqliteStore {
    parts: Arc<Parts>,
}

struct Parts {
    path: PathBuf,
    /// The modification time of the files before they were opened; `None` if they are new.
    last_written: Option<Timestamp>,
    durability: Durability,
    recording: Recording,
    journal: Arc<aibridge_journal::Journal>,
    progress: Arc<Progress>,
    projector: Arc<ProjectorThread<SqliteSink>>,
    authenticator: Authenticator,
    owners: Owners,
    orphans_closed: u64,
    commits: Arc<CommitObserver>,
}

impl SqliteStore {
    /// Opens the file, and creates it or migrates it to the latest schema if needed. Then stores the records that earlier
    /// processes left in the journal, closes interceptions that a crashed gateway left open, and starts the threads of
    /// the projector and the token reader. This blocks: call it at the start of a program.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`]. Both name the file and say what to do.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let last_written = file::last_written(&options.path);
        let (path, connection) = connection::open_writer(&options, connection::BUSY_TIMEOUT)?;
        let lock = LockFile::acquire(&path)?;
        let reader = connection::open_reader(&path, connection::BUSY_TIMEOUT)?;
        let authenticator =
            Authenticator::start(reader, Clock::new()).map_err(|error| thread_error(&path, &error))?;
        let files = Arc::new(OpenFiles::of(&path));
        let commits = Arc::<CommitObserver>::default();
        let OpenJournal { journal, directory, recovery } =
            journals::open(&options.journal, lock.is_exclusive())?;
        let progress = Arc::new(Progress::new(journal.clone()));
        progress.damaged(recovery.damages());
        let projector = |journal: &Arc<_>, boundary| {
            Projector::new(Arc::clone(journal), progress.clone(), commits.clone(), boundary)
        };
        let task = Task {
            projector: projector(&journal, Some(recovery.frames.map_or(0, |frames| *frames.end()))),
            sink: SqliteSink::new(connection, &path, files.clone(), Some(lock)),
            journal: journal.clone(),
            progress: progress.clone(),
            leftovers: journals::leftovers(&options.journal, &directory)
                .iter()
                .map(|left| projector(&left.journal, None))
                .collect(),
            is_awaited: options.journal.durability == Durability::Database,
        };
        let (sender, recovered) = mpsc::channel();
        let projector = ProjectorThread::start(task, move |result| drop(sender.send(result)))
            .map_err(|error| thread_error(&path, &error))?;
        let recovered = recovered.recv().unwrap_or_else(|error| Err(error.to_string()));
        let orphans_closed = recovered.map_err(|problem| StoreError::Open {
            store: path.display().to_string(),
            problem,
            advice: "let no other process write to it for long, and check that its disk has space",
        })?;
        let recording =
            Recording::new(journal.clone(), progress.clone(), &options.journal, move || files.check());
        let owners = Owners::new(path.clone());
        let parts = Parts {
            path,
            last_written,
            durability: options.journal.durability,
            recording,
            journal,
            progress,
            projector: Arc::new(projector),
            authenticator,
            owners,
            orphans_closed,
            commits,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Number of interceptions that this start found open and closed as `gateway_crash`.
    pub fn orphans_closed(&self) -> u64 {
        self.parts.orphans_closed
    }

    /// Calls `observer` with the duration of each committed transaction, on the projector's thread: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.parts.commits.set(observer);
    }

    /// The figures of the journal, and the lag of the database behind it.
    pub fn journal_stats(&self) -> JournalStats {
        self.parts.progress.stats()
    }

    /// Waits until all records are in the database that are durable now, for at most `limit`. Returns whether they are.
    pub async fn wait_until_projected(&self, limit: Duration) -> bool {
        self.parts.progress.wait_for_all(limit).await
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
    /// [`StoreError::Database`], [`StoreError::Timeout`] also if the records of the owners are not in the database yet.
    pub async fn object_owners(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        if !self.parts.progress.wait_for_all(OWNERS_WAIT).await {
            return Err(StoreError::Timeout(OWNERS_WAIT));
        }
        self.parts.owners.find(provider, ids).await
    }

    /// Checks whether the store accepts records: the journal has room, and the files are where they were. With
    /// [`Durability::Database`] it also writes a row to each table that requests write to, and takes it back. Waits at
    /// most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Journal`], [`StoreError::Database`], [`StoreError::FileGone`], [`StoreError::Timeout`],
    /// [`StoreError::Closed`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        self.parts.recording.check()?;
        if self.parts.durability == Durability::Database {
            let probing = self.parts.projector.run(limit, async |sink: &mut SqliteSink| sink.probe());
            probing.await??;
            let healthy = timeout(limit, self.parts.progress.wait_until_healthy());
            healthy.await.map_err(|_| StoreError::Timeout(limit))?;
        }
        Ok(())
    }

    /// The part of a sweep that runs on this database.
    pub fn sweep_backend(&self) -> SqliteSweepBackend {
        let Parts { path, last_written, projector, .. } = &*self.parts;
        SqliteSweepBackend::new(path.clone(), *last_written, projector.clone())
    }

    /// Closes the store: later calls through any clone fail, and what is in the journal is stored within a bounded
    /// time. Only after that may another gateway close what is open.
    pub async fn close(self) {
        let parts = &self.parts;
        parts.recording.close();
        parts.authenticator.stop(CLOSE_LIMIT).await;
        parts.owners.close().await;
        parts.projector.stop(CLOSE_LIMIT).await;
        journals::close(&parts.journal, &parts.progress);
    }
}

#[async_trait]
impl Recorder for SqliteStore {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        self.parts.recording.record(records).await
    }
}
