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
mod table;
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

/// How long one call waits for its place in the queue and its commit. The gateway has tighter limits of its own; nobody
/// waits forever who has none.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// How long [`PostgresStore::close`] waits for the writer, and then for the spool to be drained.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// A store on a PostgreSQL server, which several gateways may share. Its clones are the same store. It lives in a Tokio
/// runtime with a timer.
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
    /// The heartbeat, and the draining of the spool.
    helpers: Mutex<JoinSet<()>>,
}

impl PostgresStore {
    /// Connects to the server, brings the database to the latest schema if need be, and starts the tasks that write,
    /// drain the spool and tell other gateways that this one lives. With a spool, a server that cannot be reached is
    /// waited for later.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`], which name the store and what to do.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let spool = options.spool.as_ref().map(Spool::open).transpose()?;
        // A caller that is to be answered in time from the spool cannot wait for the database as long.
        let limit = if spool.is_some() { options.timeout / 2 } else { options.timeout };
        let instance = Uuid::now_v7();
        let connector = Arc::new(Connector::new(&options, limit, Some(instance))?);
        let session = match connector.connect().await {
            Ok(session) => Some(session),
            Err(error) if spool.is_some() && error.is_unavailable() => {
                tracing::warn!(
                    store = connector.display_url(), %error,
                    "the store cannot be reached: records go to the spool"
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

    /// Tells `observer` how long each transaction takes, on the task that commits: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.parts.commits.set(observer);
    }

    /// How many callers wait for the next transaction.
    pub fn queue_length(&self) -> usize {
        self.parts.sender.queue_length()
    }

    /// How many bytes wait in the spool, to which records go while there are any; `None` without a spool.
    pub fn spool_bytes(&self) -> Option<u64> {
        self.parts.spool.as_ref().map(Spool::bytes)
    }

    /// Whose token it is; `None` if it is unknown, expired or revoked. A token that another process makes or
    /// revokes is known or refused within a second. With a spool, a token that was good within the last hour is taken
    /// for good while the database is away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if the database cannot tell.
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<TokenIdentity>, StoreError> {
        self.parts.authenticator.authenticate(token).await
    }

    /// The owner of each of the objects `ids` at `provider`, `None` for those that are unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if the database cannot tell.
    pub async fn object_owners(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let found = self.parts.shared.run(async |client| owners::find(client, provider, ids).await).await;
        found.map_err(|error| StoreError::from(&error))
    }

    /// Whether a record would be stored now: in the spool, or else in the database, where a row is written into each
    /// table that requests write, after what is queued, and undone. Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        if let Some(spool) = &self.parts.spool {
            let full = || StoreError::Database("the spool accepts nothing more".to_owned());
            return if spool.accepts() { Ok(()) } else { Err(full()) };
        }
        let nothing = Rows::new(&[], self.parts.instance).map_err(not_json)?;
        self.parts.sender.submit(nothing, limit).await
    }

    /// The part of a sweep that runs on this database.
    pub(crate) fn sweep_backend(&self) -> PostgresSweepBackend {
        PostgresSweepBackend::new(Reconnecting::new(self.parts.connector.clone(), None))
    }

    /// Refuses whatever comes from now on, through any clone, finishes what is queued, gives the spool a moment to be
    /// drained, and tells the other gateways that this one is gone.
    pub async fn close(self) {
        self.parts.sender.close();
        let writer = self.parts.writer.lock().take();
        if let Some(writer) = writer
            && timeout(CLOSE_LIMIT, writer).await.is_err()
        {
            tracing::error!(limit = ?CLOSE_LIMIT, "the store's writer did not end in time and is left behind");
        }
        let drained = match &self.parts.spool {
            None => true,
            Some(spool) => timeout(DRAIN_LIMIT, spool.wait_empty()).await.is_ok(),
        };
        let mut helpers = std::mem::take(&mut *self.parts.helpers.lock());
        helpers.shutdown().await;
        if let (false, Some(spool)) = (drained, &self.parts.spool) {
            let bytes = spool.bytes();
            tracing::warn!(bytes, "records are left in the spool: the next start on it stores them");
            return;
        }
        let instance = self.parts.instance;
        let left = self.parts.shared.run(async |client| instances::leave(client, instance).await).await;
        if let Err(error) = left {
            tracing::debug!(%error, "no farewell");
        }
    }
}

/// A defect of ours: records are texts and numbers.
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
