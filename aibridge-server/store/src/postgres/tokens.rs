//! Management of access tokens in a PostgreSQL store.

use super::connector::Connector;
use super::error::{Opener, PgError};
use super::session::Session;
use super::token_rows;
use crate::token::NewToken;
use crate::{PostgresOptions, StoreError, TokenRow};
use jiff::Timestamp;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// Time limit for the database in a command.
const LIMIT: Duration = Duration::from_secs(10);

/// The access tokens of a PostgreSQL store: a connection, and a runtime for it. Must not be called from within a
/// runtime.
pub(crate) struct PostgresTokens {
    session: Session,
    runtime: Runtime,
}

impl PostgresTokens {
    pub(crate) fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let connector = Connector::new(options, LIMIT, None)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(error.to_string()))?;
        let session = runtime.block_on(connector.connect());
        let session =
            session.map_err(|error| error.to_open_error(connector.display_url(), Opener::Command))?;
        Ok(Self { session, runtime })
    }

    pub(crate) fn insert(&self, token: &NewToken) -> Result<(), StoreError> {
        self.wait(token_rows::insert(&self.session.client, token))
    }

    pub(crate) fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.wait(token_rows::list(&self.session.client))
    }

    pub(crate) fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        self.wait(token_rows::revoke(&self.session.client, id, Timestamp::now()))
    }

    fn wait<T>(&self, query: impl Future<Output = Result<T, PgError>>) -> Result<T, StoreError> {
        self.runtime.block_on(query).map_err(|error| StoreError::from(&error))
    }
}
