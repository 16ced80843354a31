//! The database of a scene: SQLite, or a PostgreSQL server behind a proxy; its faults and its rows.

use super::proxy::Proxy;
use aibridge_testkit::{Postgres, Row, Store};
use anyhow::{Context, Result};
use rusqlite::Connection;
use std::path::Path;

/// The database of a scene.
pub(super) enum Database {
    Sqlite(Store),
    Postgres(Box<Server>),
}

/// A PostgreSQL server and the proxy through which the gateways reach it.
pub(super) struct Server {
    pub(super) postgres: Postgres,
    pub(super) proxy: Proxy,
}

/// A write lock on the SQLite file, which keeps every other process from writing until it is dropped.
pub(super) struct WriteLock(#[allow(dead_code, reason = "its connection holds the lock")] Connection);

impl Database {
    /// A SQLite file in `directory`, which does not exist yet.
    pub(super) fn sqlite(directory: &Path) -> Self {
        Self::Sqlite(Store::new(directory.join("aibridge.db")))
    }

    /// A new PostgreSQL server.
    pub(super) async fn postgres() -> Result<Self> {
        let postgres = Postgres::start().await.context("PostgreSQL is not installed")?;
        let proxy = Proxy::start(&postgres.socket()).await?;
        Ok(Self::Postgres(Box::new(Server { postgres, proxy })))
    }

    /// The setting `store.url`.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(store) => format!("sqlite:{}", store.path().display()),
            Self::Postgres(server) => {
                format!("postgres://postgres@{}/postgres?sslmode=disable", server.proxy.address())
            }
        }
    }

    pub(super) fn server(&self) -> Result<&Server> {
        match self {
            Self::Postgres(server) => Ok(server),
            Self::Sqlite(_) => anyhow::bail!("this fault is one of PostgreSQL"),
        }
    }

    /// Keeps the gateway from writing to the SQLite file, as a backup or an administrator's transaction does.
    pub(super) fn lock(&self) -> Result<WriteLock> {
        let Self::Sqlite(store) = self else { anyhow::bail!("this fault is one of SQLite") };
        let connection = Connection::open(store.path())?;
        connection.busy_timeout(aibridge_testkit::MAX_WAIT)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(WriteLock(connection))
    }

    /// The rows of a query that is valid SQL in both databases.
    pub(super) async fn query(&self, sql: &str) -> Vec<Row> {
        match self {
            Self::Sqlite(store) => store.query(sql, &[]),
            Self::Postgres(server) => server.postgres.query(sql).await,
        }
    }

    /// The number of interceptions without an end.
    pub(super) async fn open_interceptions(&self) -> u64 {
        let sql = "SELECT count(*) AS n FROM aibridge_interceptions WHERE ended_at IS NULL";
        self.query(sql).await[0]["n"].as_u64().unwrap_or_default()
    }
}
