//! The store on a PostgreSQL server. `writer` stores records, `spool` keeps them while the server is unavailable,
//! `records` reads them, `heartbeat` closes interceptions of crashed instances.

mod authenticator;
mod connector;
mod cooldowns;
mod drain;
mod error;
mod heartbeat;
mod instances;
mod owners;
mod reconnecting;
mod records;
mod rows;
mod schema;
mod session;
mod shared_connection;
mod spool;
mod sweep;
mod target;
mod tls;
mod token_rows;
mod tokens;
mod writer;

pub use cooldowns::KeyCooldown;
pub(crate) use records::PostgresRecords;
pub(crate) use sweep::PostgresSweepBackend;
pub(crate) use tokens::PostgresTokens;

use crate::job::{JobSender, queue};
use crate::observe::CommitObserver;
use crate::probe;
use crate::{PostgresOptions, StoreError, TokenIdentity};
use aibridge_recorder::{Record, Recorder, RecorderError};
use async_trait::async_trait;
use authenticator::Authenticator;
use connector::Connector;
use error::Opener;
use parking_lot::Mutex;
use quanta::Clock;
use reconnecting::Reconnecting;
use rows::Rows;
use secrecy::SecretString;
use shared_connection::SharedConnection;
use spool::Spool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use uuid::Uuid;
use writer::Writer;

/// Time limit for a `record` call, including the wait in the queue. The gateway has shorter limits of its own; this
/// one bounds callers that have none.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// Time limits in [`PostgresStore::close`], first for the writer, then for draining the spool.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// A store on a PostgreSQL server, which several gateways may share. Clones share one store. It needs a Tokio runtime
/// with a timer.
#[derive(Clone)]
pub struct PostgresStore {
    parts: Arc<Parts>,
}

struct Parts {
    instance: Uuid,
    connector: Arc<Connector>,
    sender: JobSender<Rows, ()>,
    commits: Arc<CommitObserver>,
    authenticator: Arc<Authenticator>,
    shared: Arc<SharedConnection>,
    spool: Option<Spool>,
    cooldowns_changed: Arc<Notify>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// The tasks for the heartbeat, for draining the spool, and for refreshing the token cache.
    helpers: Mutex<JoinSet<()>>,
}

impl PostgresStore {
    /// Connects to the server, migrates the database to the latest schema if needed, and starts the tasks that write
    /// records, drain the spool and send heartbeats. With a spool, an unreachable server is not an error: the tasks
    /// connect later.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`]. Both name the store and say what to do.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let spool = options.spool.as_ref().map(Spool::open).transpose()?;
        // With a spool, a call must still have time for the spool after the database timed out.
        let limit = if spool.is_some() { options.timeout / 2 } else { options.timeout };
        let instance = Uuid::now_v7();
        let connector = Arc::new(Connector::new(&options, limit, Some(instance))?);
        let session = match connector.connect().await {
            Ok(session) => Some(session),
            Err(error) if spool.is_some() && error.is_unavailable() => {
                tracing::warn!(
                    store = connector.display_url(), %error,
                    "the store is unreachable; records go to the spool"
                );
                None
            }
            Err(error) => return Err(error.to_open_error(connector.display_url(), Opener::Gateway)),
        };
        let connection = || Reconnecting::new(connector.clone(), None);
        let shared = Arc::new(SharedConnection::new(connection(), limit));
        let mut helpers = JoinSet::new();
        helpers.spawn(heartbeat::run(shared.clone(), instance, options.heartbeat));
        if let Some(spool) = &spool {
            helpers.spawn(drain::run(spool.clone(), connection()));
        }
        let authenticator = Arc::new(Authenticator::new(shared.clone(), Clock::new(), spool.is_some()));
        if spool.is_some() {
            let authenticator = authenticator.clone();
            helpers.spawn(async move { authenticator.refresh().await });
        }
        let commits = Arc::<CommitObserver>::default();
        let cooldowns_changed = connector.cooldowns_changed();
        let (sender, jobs) = queue(writer::QUEUE);
        let probe = Rows::new(&probe::records().1, instance).map_err(not_json)?;
        let connection = Reconnecting::new(connector.clone(), session);
        let writer = Writer::new(connection, spool.clone(), limit, commits.clone(), probe);
        Ok(Self {
            parts: Arc::new(Parts {
                instance,
                connector,
                sender,
                commits,
                authenticator,
                shared,
                spool,
                cooldowns_changed,
                writer: Mutex::new(Some(tokio::spawn(writer.run(jobs)))),
                helpers: Mutex::new(helpers),
            }),
        })
    }

    /// Calls `observer` with the duration of each committed transaction, on the task that commits: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.parts.commits.set(observer);
    }

    /// Number of calls that wait for the next transaction.
    pub fn queue_length(&self) -> usize {
        self.parts.sender.queue_length()
    }

    /// Size of the spool in bytes; `None` without a spool. New records go to the spool until it is empty.
    pub fn spool_bytes(&self) -> Option<u64> {
        self.parts.spool.as_ref().map(Spool::bytes)
    }

    /// The bearer of an access token; `None` if the token is unknown, expired or revoked. A token that another
    /// process creates or revokes is accepted or refused within a second. With a spool, a token that was accepted
    /// within the last hour stays accepted while the database is unavailable.
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
    /// [`StoreError::Database`] if the lookup fails.
    pub async fn object_owners(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let found = self.parts.shared.run(async |client| owners::find(client, provider, ids).await).await;
        found.map_err(|error| StoreError::from(&error))
    }

    /// Checks whether the store accepts records. With a spool, the spool must have had room for the last records.
    /// Otherwise, after the queued records, it writes a row to each table that requests write to, and rolls back.
    /// Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        if let Some(spool) = &self.parts.spool {
            let full = || StoreError::Database("the spool accepts no more records".to_owned());
            return if spool.accepts() { Ok(()) } else { Err(full()) };
        }
        let nothing = Rows::new(&[], self.parts.instance).map_err(not_json)?;
        self.parts.sender.submit(nothing, limit).await
    }

    /// The part of a sweep that runs on this database.
    pub(crate) fn sweep_backend(&self) -> PostgresSweepBackend {
        PostgresSweepBackend::new(Reconnecting::new(self.parts.connector.clone(), None))
    }

    /// Closes the store: later calls through any clone fail, queued records are still stored. Gives the spool a
    /// bounded time to drain, and removes the heartbeat of this instance.
    pub async fn close(self) {
        self.parts.sender.close();
        let writer = self.parts.writer.lock().take();
        if let Some(writer) = writer
            && timeout(CLOSE_LIMIT, writer).await.is_err()
        {
            tracing::error!(limit = ?CLOSE_LIMIT, "the writer of the store did not end in time and was abandoned");
        }
        let drained = match &self.parts.spool {
            None => true,
            Some(spool) => timeout(DRAIN_LIMIT, spool.wait_empty()).await.is_ok(),
        };
        let mut helpers = std::mem::take(&mut *self.parts.helpers.lock());
        helpers.shutdown().await;
        if let (false, Some(spool)) = (drained, &self.parts.spool) {
            let bytes = spool.bytes();
            tracing::warn!(bytes, "records remain in the spool; the next start with this spool stores them");
            return;
        }
        let instance = self.parts.instance;
        let left = self.parts.shared.run(async |client| instances::leave(client, instance).await).await;
        if let Err(error) = left {
            tracing::debug!(%error, "could not remove the heartbeat of this instance");
        }
    }
}

/// The error for a record that cannot be serialised: a defect, because records are texts and numbers.
fn not_json(error: serde_json::Error) -> StoreError {
    StoreError::Conflict(error.to_string())
}

#[async_trait]
impl Recorder for PostgresStore {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        if records.is_empty() {
            return Ok(());
        }
        let rows = Rows::new(&records, self.parts.instance).map_err(RecorderError::unavailable)?;
        drop(records);
        self.parts.sender.submit(rows, RECORD_LIMIT).await.map_err(RecorderError::unavailable)
    }
}
