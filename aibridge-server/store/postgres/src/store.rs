//! The open store: it starts the threads and tasks, and forwards each call to the part that does it.

mod cooldowns;

pub use cooldowns::KeyCooldown;

use crate::authenticator::Authenticator;
use crate::connector::Connector;
use crate::error::Opener;
use crate::reconnecting::Reconnecting;
use crate::shared_connection::SharedConnection;
use crate::sink::PostgresSink;
use crate::sweep::PostgresSweepBackend;
use crate::{heartbeat, instances, owners};
use aibridge_projector::journals::{self, OpenJournal};
use aibridge_projector::{
    CommitObserver, JournalStats, Progress, Projector, ProjectorThread, Recording, Task, old_spool,
};
use aibridge_recorder::{Record, Recorder, RecorderError};
use aibridge_store_core::{Durability, PostgresOptions, StoreError};
use aibridge_tokens::TokenIdentity;
use async_trait::async_trait;
use parking_lot::Mutex;
use quanta::Clock;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use uuid::Uuid;

/// Time limit for the projector in [`PostgresStore::close`].
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A store on a PostgreSQL server, which several gateways may share. Clones share one store. It needs a Tokio runtime
/// with a timer.
#[derive(Clone)]
pub struct PostgresStore {
    parts: Arc<Parts>,
}

struct Parts {
    instance: Uuid,
    connector: Arc<Connector>,
    durability: Durability,
    timeout: Duration,
    recording: Recording,
    journal: Arc<aibridge_journal::Journal>,
    progress: Arc<Progress>,
    projector: ProjectorThread<PostgresSink>,
    commits: Arc<CommitObserver>,
    authenticator: Arc<Authenticator>,
    shared: Arc<SharedConnection>,
    cooldowns_changed: Arc<Notify>,
    orphans_closed: u64,
    /// The tasks for the heartbeat, and for refreshing the token cache.
    helpers: Mutex<JoinSet<()>>,
}

impl PostgresStore {
    /// Opens the journal, connects to the server, migrates the database to the latest schema if needed, and starts the
    /// projector and the tasks that send heartbeats. An unreachable server is an error only with
    /// [`Durability::Database`]: otherwise the projector connects later.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`]. Both name the store and say what to do.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let (open, leftovers) = open_journal(&options).await?;
        let OpenJournal { journal, recovery, .. } = open;
        let (instance, durability) = (journal.id(), options.journal.durability);
        let connector = Arc::new(Connector::new(&options, options.timeout, Some(instance))?);
        let session = match connector.connect().await {
            Ok(session) => Some(session),
            Err(error) if durability != Durability::Database && error.is_unavailable() => {
                tracing::warn!(
                    store = connector.display_url(), %error,
                    "the store is unreachable; records wait in the journal"
                );
                None
            }
            Err(error) => return Err(error.to_open_error(connector.display_url(), Opener::Gateway)),
        };
        let is_reachable = session.is_some();
        let connection = |session| Reconnecting::new(connector.clone(), session);
        let shared = Arc::new(SharedConnection::new(connection(session), options.timeout));
        let mut helpers = JoinSet::new();
        helpers.spawn(heartbeat::run(shared.clone(), instance, options.heartbeat));
        let serves_without = durability != Durability::Database;
        let authenticator = Arc::new(Authenticator::new(shared.clone(), Clock::new(), serves_without));
        if serves_without {
            let authenticator = authenticator.clone();
            helpers.spawn(async move { authenticator.refresh().await });
        }
        let commits = Arc::<CommitObserver>::default();
        let progress = Arc::new(Progress::new(journal.clone()));
        progress.damaged(recovery.damages());
        let projector = |journal: &Arc<_>, boundary: &aibridge_journal::Recovery| {
            let boundary = boundary.frames.as_ref().map_or(0, |frames| *frames.end());
            Projector::new(Arc::clone(journal), progress.clone(), commits.clone(), Some(boundary))
        };
        let task = Task {
            projector: projector(&journal, &recovery),
            sink: PostgresSink::new(connection(None)),
            journal: journal.clone(),
            progress: progress.clone(),
            leftovers: leftovers.iter().map(|left| projector(&left.journal, &left.recovery)).collect(),
            is_awaited: durability == Durability::Database,
        };
        let (sender, recovered) = oneshot::channel();
        let projector = ProjectorThread::start(task, move |result| drop(sender.send(result)))
            .map_err(|error| StoreError::Database(format!("cannot start a thread: {error}")))?;
        let recovered = if is_reachable { timeout(options.timeout, recovered).await.ok() } else { None };
        let orphans_closed = recovered.and_then(Result::ok).and_then(Result::ok).unwrap_or_default();
        let recording = Recording::new(journal.clone(), progress.clone(), &options.journal, || Ok(()));
        let cooldowns_changed = connector.cooldowns_changed();
        Ok(Self {
            parts: Arc::new(Parts {
                instance,
                connector,
                durability,
                timeout: options.timeout,
                recording,
                journal,
                progress,
                projector,
                commits,
                authenticator,
                shared,
                cooldowns_changed,
                orphans_closed,
                helpers: Mutex::new(helpers),
            }),
        })
    }

    /// The id under which this gateway writes. A gateway that starts with the same journal has the same one.
    pub fn instance(&self) -> Uuid {
        self.parts.instance
    }

    /// Number of interceptions that this start found open and closed as `gateway_crash`, as far as that was quick.
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
    /// process creates or revokes is accepted or refused within a second. Unless the durability is that of the
    /// database, a token that was accepted within the last hour stays accepted while the database is unavailable.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if the lookup fails.
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<TokenIdentity>, StoreError> {
        self.parts.authenticator.authenticate(token).await
    }

    /// The owner of each object in `ids` at `provider`, in the same order; `None` for an unknown object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if the lookup fails, [`StoreError::Timeout`] if the records of owners are not in the
    /// database yet.
    pub async fn object_owners(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let limit = self.parts.timeout;
        if !self.parts.progress.wait_for_all(limit).await {
            return Err(StoreError::Timeout(limit));
        }
        let found = self.parts.shared.run(async |client| owners::find(client, provider, ids).await).await;
        found.map_err(|error| StoreError::from(&error))
    }

    /// Checks whether the store accepts records: the journal has room, and it is where it was. With
    /// [`Durability::Database`] it also writes a row to each table that requests write to, and rolls back. Waits at most
    /// `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Journal`], [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        self.parts.recording.check()?;
        if self.parts.durability == Durability::Database {
            let probing = self.parts.projector.run(limit, async |sink: &mut PostgresSink| sink.probe().await);
            probing.await??;
            let healthy = timeout(limit, self.parts.progress.wait_until_healthy());
            healthy.await.map_err(|_| StoreError::Timeout(limit))?;
        }
        Ok(())
    }

    /// The part of a sweep that runs on this database.
    pub fn sweep_backend(&self) -> PostgresSweepBackend {
        PostgresSweepBackend::new(Reconnecting::new(self.parts.connector.clone(), None))
    }

    /// Closes the store: later calls through any clone fail, and what is in the journal is stored within a bounded
    /// time. If nothing is left, it removes the heartbeat of this instance.
    pub async fn close(self) {
        let parts = &self.parts;
        parts.recording.close();
        parts.projector.stop(CLOSE_LIMIT).await;
        journals::close(&parts.journal, &parts.progress);
        let mut helpers = std::mem::take(&mut *parts.helpers.lock());
        helpers.shutdown().await;
        if parts.progress.stats().lag_records > 0 {
            return; // the other instances would close what is open only because its end is in the journal
        }
        let left = parts.shared.run(async |client| instances::leave(client, parts.instance).await).await;
        if let Err(error) = left {
            tracing::debug!(%error, "could not remove the heartbeat of this instance");
        }
    }
}

/// Opens the journal and moves what is left of an old spool there. Also returns the journals that other gateways left.
async fn open_journal(options: &PostgresOptions) -> Result<(OpenJournal, Vec<OpenJournal>), StoreError> {
    let options = options.journal.clone();
    let opening = spawn_blocking(move || {
        let open = journals::open(&options, true)?;
        old_spool::migrate(&options.directory, &open.journal)?;
        let leftovers = journals::leftovers(&options, &open.directory);
        Ok((open, leftovers))
    });
    opening.await.unwrap_or_else(|error| Err(StoreError::Journal(error.to_string())))
}

#[async_trait]
impl Recorder for PostgresStore {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        self.parts.recording.record(records).await
    }
}
