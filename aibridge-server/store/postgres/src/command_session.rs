//! A connection for a command, with a runtime of its own. Must not be used from within a runtime.

use crate::connector::Connector;
use crate::error::{Opener, PgError};
use crate::session::Session;
use aibridge_store_core::{PostgresOptions, StoreError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;

pub(super) struct CommandSession {
    session: Session,
    runtime: Runtime,
}

impl CommandSession {
    /// Opens the store, and creates its tables if they are missing. `limit` applies to the connection.
    pub(super) fn open(options: &PostgresOptions, limit: Duration) -> Result<Self, StoreError> {
        let connector = Connector::new(options, limit, None)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(error.to_string()))?;
        let session = runtime.block_on(connector.connect());
        let session =
            session.map_err(|error| error.to_open_error(connector.display_url(), Opener::Command))?;
        Ok(Self { session, runtime })
    }

    pub(super) fn client(&self) -> &Client {
        &self.session.client
    }

    /// Waits for a query of [`client`](Self::client).
    pub(super) fn wait<T>(&self, query: impl Future<Output = Result<T, PgError>>) -> Result<T, StoreError> {
        self.runtime.block_on(query).map_err(|error| StoreError::from(&error))
    }
}
