//! Management of access tokens in a SQLite store.

use crate::error::refused;
use crate::{connection, token_rows};
use aibridge_store_core::{Options, StoreError};
use aibridge_tokens::{NewToken, TokenRow};
use jiff::Timestamp;
use rusqlite::Connection;
use std::time::Duration;
use uuid::Uuid;

/// Time for which a command waits while gateways write. SQLite does not queue waiters for the lock, so a command
/// beside a busy gateway may wait long; a person at a terminal can.
const BUSY: Duration = Duration::from_secs(10);

/// The access tokens of a SQLite store, on a connection of its own.
pub struct SqliteTokens {
    connection: Connection,
}

impl SqliteTokens {
    /// Opens the store, and creates it if it is missing.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let (_, connection) = connection::open_writer(options, BUSY)?;
        Ok(Self { connection })
    }

    /// Stores a new token.
    pub fn insert(&self, token: &NewToken) -> Result<(), StoreError> {
        token_rows::insert(&self.connection, token).map_err(refused)
    }

    /// All tokens, oldest first.
    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        token_rows::list(&self.connection).map_err(refused)
    }

    /// Revokes a token permanently. Returns `false` if no token has this id.
    pub fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        token_rows::revoke(&self.connection, id, Timestamp::now()).map_err(refused)
    }
}
