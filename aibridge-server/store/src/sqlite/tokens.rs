use super::{connection, token_rows};
use crate::token::NewToken;
use crate::{Options, StoreError, TokenRow};
use jiff::Timestamp;
use rusqlite::Connection;
use std::time::Duration;
use uuid::Uuid;

/// How long a command waits while gateways write. They do not queue up for the lock, so that a command beside a
/// busy gateway needs some luck; a person at a terminal can wait for it.
const BUSY: Duration = Duration::from_secs(10);

/// The gateway tokens of an embedded store: a connection of its own.
pub(crate) struct SqliteTokens {
    connection: Connection,
}

impl SqliteTokens {
    /// Creates the store if it is missing.
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
