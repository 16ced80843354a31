//! Management of access tokens in a PostgreSQL store.

use crate::connector::Connector;
use crate::error::{Opener, PgError};
use crate::session::Session;
use crate::token_rows;
use aibridge_store_core::{PostgresOptions, StoreError};
use aibridge_tokens::{NewToken, TokenRow};
use jiff::Timestamp;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// Time limit for the database in a command.
const LIMIT: Duration = Duration::from_secs(10);

/// The access tokens of a PostgreSQL store: a connection, and a runtime for it. Must not be called from within a
/// runtime.
pub struct PostgresTokens {
    session: Session,
    runtime: Runtime,
}

impl PostgresTokens {
    /// Opens the store, and creates its tables if they are missing.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let connector = Connector::new(options, LIMIT, None)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(error.to_string()))?;
        let session = runtime.block_on(connector.connect());
        let session =
            session.map_err(|error| error.to_open_error(connector.display_url(), Opener::Command))?;
        Ok(Self { session, runtime })
    }

    /// Stores a new token.
    pub fn insert(&self, token: &NewToken) -> Result<(), StoreError> {
        self.wait(token_rows::insert(&self.session.client, token))
    }

    /// All tokens, oldest first.
    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.wait(token_rows::list(&self.session.client))
    }

    /// Revokes a token permanently. Returns `false` if no token has this id.
    pub fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        self.wait(token_rows::revoke(&self.session.client, id, Timestamp::now()))
    }

    fn wait<T>(&self, query: impl Future<Output = Result<T, PgError>>) -> Result<T, StoreError> {
        self.runtime.block_on(query).map_err(|error| StoreError::from(&error))
    }
}
