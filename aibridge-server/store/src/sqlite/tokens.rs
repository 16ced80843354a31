use super::{connection, token_rows};
use crate::token::Issued;
use crate::{Options, StoreError, TokenRow};
use jiff::Timestamp;
use rusqlite::Connection;
use secrecy::SecretString;
use std::time::Duration;
use uuid::Uuid;

/// How long a command waits while gateways write. They do not queue up for the lock, so that a command beside a
/// busy gateway needs some luck; a person at a terminal can wait for it.
const BUSY: Duration = Duration::from_secs(10);

/// The gateway tokens of a store, for a command line: a connection of its own, beside whatever gateway lives on
/// the same file. What it changes holds for that gateway within a second.
pub struct Tokens {
    connection: Connection,
}

impl Tokens {
    /// Opens the store, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let (_, connection) = connection::writing(options, BUSY)?;
        Ok(Self { connection })
    }

    /// Makes a token with which `user` acts, refused after `expires_in` if that is given. The token itself is
    /// returned here and never again.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidUser`] for a name that is empty, longer than 200 characters, or holds control
    /// characters; [`StoreError::InvalidExpiry`]; [`StoreError::Database`].
    pub fn create(
        &self,
        user: &str,
        expires_in: Option<Duration>,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        self.issue(user, expires_in, false)
    }

    /// Like [`Self::create`], but the token also opens what is for operators alone.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn create_admin(
        &self,
        user: &str,
        expires_in: Option<Duration>,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        self.issue(user, expires_in, true)
    }

    fn issue(
        &self,
        user: &str,
        expires_in: Option<Duration>,
        admin: bool,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        let issued = Issued::new(user, expires_in, admin, Timestamp::now())?;
        token_rows::insert(&self.connection, &issued)?;
        Ok((issued.row, issued.secret))
    }

    /// All tokens, oldest first, expired and revoked ones included.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        Ok(token_rows::list(&self.connection)?)
    }

    /// Revokes a token for good. `false` if there is none with this id; a second time changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        Ok(token_rows::revoke(&self.connection, id, Timestamp::now())?)
    }
}
