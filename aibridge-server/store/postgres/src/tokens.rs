//! Management of access tokens in a PostgreSQL store.

use crate::command_session::CommandSession;
use crate::token_rows;
use aibridge_store_core::{PostgresOptions, StoreError};
use aibridge_tokens::{NewToken, TokenRow};
use jiff::Timestamp;
use std::time::Duration;
use uuid::Uuid;

/// Time limit for the database in a command.
const LIMIT: Duration = Duration::from_secs(10);

/// The access tokens of a PostgreSQL store: a connection, and a runtime for it. Must not be called from within a
/// runtime.
pub struct PostgresTokens(CommandSession);

impl PostgresTokens {
    /// Opens the store, and creates its tables if they are missing.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        CommandSession::open(options, LIMIT).map(Self)
    }

    /// Stores a new token.
    pub fn insert(&self, token: &NewToken) -> Result<(), StoreError> {
        self.0.wait(token_rows::insert(self.0.client(), token))
    }

    /// All tokens, oldest first.
    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.0.wait(token_rows::list(self.0.client()))
    }

    /// Revokes a token permanently. Returns `false` if no token has this id.
    pub fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        self.0.wait(token_rows::revoke(self.0.client(), id, Timestamp::now()))
    }
}
