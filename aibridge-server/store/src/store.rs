//! A [`Store`] of either kind, chosen by the settings. Each method forwards to [`SqliteStore`] or [`PostgresStore`].

use crate::{JournalStats, PostgresStore, SqliteStore, StoreError, StoreOptions, Sweeper, TokenIdentity};
use aibridge_recorder::{Record, Recorder, RecorderError};
use async_trait::async_trait;
use secrecy::SecretString;
use std::time::Duration;
use uuid::Uuid;

/// A store of either kind. Clones share one store.
#[derive(Clone)]
pub enum Store {
    /// The store is one SQLite file.
    Sqlite(SqliteStore),
    /// The store is a database on a PostgreSQL server.
    Postgres(PostgresStore),
}

impl Store {
    /// Opens the store, see [`SqliteStore::open`] and [`PostgresStore::open`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`]. Both name the store and say what to do.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        match options {
            StoreOptions::Sqlite(options) => SqliteStore::open(options).map(Self::Sqlite),
            StoreOptions::Postgres(options) => PostgresStore::open(options).await.map(Self::Postgres),
        }
    }

    /// Number of interceptions that this start found open and closed as `gateway_crash`. On PostgreSQL other instances
    /// may have closed them before.
    pub fn orphans_closed(&self) -> u64 {
        match self {
            Self::Sqlite(store) => store.orphans_closed(),
            Self::Postgres(store) => store.orphans_closed(),
        }
    }

    /// The id of this gateway among those that share a database; `None` for a SQLite file, which has one gateway.
    pub fn instance(&self) -> Option<Uuid> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.instance()),
        }
    }

    /// Calls `observer` with the duration of each committed transaction, on the thread that commits: it must be
    /// quick. Only the first observer of a store is used.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        match self {
            Self::Sqlite(store) => store.observe_commits(observer),
            Self::Postgres(store) => store.observe_commits(observer),
        }
    }

    /// The figures of the journal, and the lag of the database behind it.
    pub fn journal_stats(&self) -> JournalStats {
        match self {
            Self::Sqlite(store) => store.journal_stats(),
            Self::Postgres(store) => store.journal_stats(),
        }
    }

    /// Waits until all records are in the database that are durable now, for at most `limit`. Returns whether they are.
    pub async fn wait_until_projected(&self, limit: Duration) -> bool {
        match self {
            Self::Sqlite(store) => store.wait_until_projected(limit).await,
            Self::Postgres(store) => store.wait_until_projected(limit).await,
        }
    }

    /// The bearer of an access token; `None` if the token is unknown, expired or revoked.
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
        match self {
            Self::Sqlite(store) => store.object_owners(provider, ids).await,
            Self::Postgres(store) => store.object_owners(provider, ids).await,
        }
    }

    /// Checks whether the store accepts records now. Waits at most `limit`.
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

    /// A handle that deletes expired interceptions. Nothing is deleted until [`Sweeper::sweep`] is called.
    pub fn sweeper(&self) -> Sweeper {
        match self {
            Self::Sqlite(store) => store.into(),
            Self::Postgres(store) => store.into(),
        }
    }

    /// Closes the store: later calls through any clone fail, and what is in the journal is stored within a bounded time.
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
