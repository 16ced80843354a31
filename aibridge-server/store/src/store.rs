use crate::{PostgresStore, SqliteStore, StoreError, StoreOptions, Sweeper, TokenIdentity};
use aibridge_recorder::{Record, Recorder, RecorderError};
use async_trait::async_trait;
use secrecy::SecretString;
use std::time::Duration;

/// A store, wherever it is. Its clones are the same store.
#[derive(Clone)]
pub enum Store {
    /// In one file.
    Sqlite(SqliteStore),
    /// On a PostgreSQL server.
    Postgres(PostgresStore),
}

impl Store {
    /// Opens it, see [`SqliteStore::open`] and [`PostgresStore::open`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`], which name the store and what to do.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        match options {
            StoreOptions::Sqlite(options) => SqliteStore::open(options).map(Self::Sqlite),
            StoreOptions::Postgres(options) => PostgresStore::open(options).await.map(Self::Postgres),
        }
    }

    /// How many interceptions were found open and closed as `gateway_crash` at this start. On PostgreSQL that happens
    /// later, and the log tells it.
    pub fn orphans_closed(&self) -> u64 {
        match self {
            Self::Sqlite(store) => store.orphans_closed(),
            Self::Postgres(_) => 0,
        }
    }

    /// Tells `observer` how long each transaction takes, where it is committed: it must be quick.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        match self {
            Self::Sqlite(store) => store.observe_commits(observer),
            Self::Postgres(store) => store.observe_commits(observer),
        }
    }

    /// How many callers wait for the next transaction.
    pub fn queue_length(&self) -> usize {
        match self {
            Self::Sqlite(store) => store.queue_length(),
            Self::Postgres(store) => store.queue_length(),
        }
    }

    /// How many bytes wait in the spool, to which records go while there are any; `None` without a spool.
    pub fn spool_bytes(&self) -> Option<u64> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => store.spool_bytes(),
        }
    }

    /// Whose token it is; `None` if it is unknown, expired or revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn authenticate(&self, token: &SecretString) -> Result<Option<TokenIdentity>, StoreError> {
        match self {
            Self::Sqlite(store) => store.authenticate(token).await,
            Self::Postgres(store) => store.authenticate(token).await,
        }
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
        match self {
            Self::Sqlite(store) => store.object_owners(provider, ids).await,
            Self::Postgres(store) => store.object_owners(provider, ids).await,
        }
    }

    /// Whether a record would be stored now. Waits at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], [`StoreError::Timeout`], [`StoreError::Closed`].
    pub async fn probe(&self, limit: Duration) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.probe(limit).await,
            Self::Postgres(store) => store.probe(limit).await,
        }
    }

    /// What deletes old interceptions, if it is told to.
    pub fn sweeper(&self) -> Sweeper {
        match self {
            Self::Sqlite(store) => store.sweeper(),
            Self::Postgres(store) => store.sweeper(),
        }
    }

    /// Refuses whatever comes from now on, through any clone, and finishes what is queued.
    pub async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

#[async_trait]
impl Recorder for Store {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        match self {
            Self::Sqlite(store) => store.record(records).await,
            Self::Postgres(store) => store.record(records).await,
        }
    }
}
