//! Management of access tokens in a SQLite store.

use super::{connection, token_rows};
use crate::token::NewToken;
use crate::{Options, StoreError, TokenRow};
use jiff::Timestamp;
use rusqlite::Connection;
use std::time::Duration;
use uuid::Uuid;

/// Time for which a command waits while gateways write. SQLite does not queue waiters for the lock, so a command
/// beside a busy gateway may wait long; a person at a terminal can.
const BUSY: Duration = Duration::from_secs(10);

/// The access tokens of a SQLite store, on a connection of its own.
pub(crate) struct SqliteTokens {
    connection: Connection,
}

impl SqliteTokens {
    /// Opens the store, and creates it if it is missing.
    pub(crate) fn open(options: &Options) -> Result<Self, StoreError> {
        let (_, connection) = connection::open_writer(options, BUSY)?;
        Ok(Self { connection })
    }

    pub(crate) fn insert(&self, token: &NewToken) -> Result<(), StoreError> {
        Ok(token_rows::insert(&self.connection, token)?)
    }

    pub(crate) fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        Ok(token_rows::list(&self.connection)?)
    }

    pub(crate) fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        Ok(token_rows::revoke(&self.connection, id, Timestamp::now())?)
    }
}
