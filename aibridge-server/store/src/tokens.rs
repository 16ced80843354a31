use crate::postgres::PostgresTokens;
use crate::sqlite::SqliteTokens;
use crate::token::NewToken;
use crate::{StoreError, StoreOptions, TokenRow};
use jiff::Timestamp;
use secrecy::SecretString;
use std::time::Duration;
use uuid::Uuid;

/// The gateway tokens of a store, for a command line: a connection of its own, beside whatever gateway lives on the
/// same store. What it changes holds for that gateway within a second.
///
/// Its calls block. On PostgreSQL they run a runtime of their own, so that they must not be used inside of another.
pub struct Tokens(Kind);

enum Kind {
    Sqlite(SqliteTokens),
    Postgres(PostgresTokens),
}

impl Tokens {
    /// Opens the store, and creates its tables (and its file) if they are missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        Ok(Self(match options.into() {
            StoreOptions::Sqlite(options) => Kind::Sqlite(SqliteTokens::open(&options)?),
            StoreOptions::Postgres(options) => Kind::Postgres(PostgresTokens::open(&options)?),
        }))
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
        let new_token = NewToken::new(user, expires_in, admin, Timestamp::now())?;
        match &self.0 {
            Kind::Sqlite(tokens) => tokens.insert(&new_token)?,
            Kind::Postgres(tokens) => tokens.insert(&new_token)?,
        }
        Ok((new_token.row, new_token.secret))
    }

    /// All tokens, oldest first, expired and revoked ones included.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        match &self.0 {
            Kind::Sqlite(tokens) => tokens.list(),
            Kind::Postgres(tokens) => tokens.list(),
        }
    }

    /// Revokes a token for good. `false` if there is none with this id; a second time changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn revoke(&self, id: Uuid) -> Result<bool, StoreError> {
        match &self.0 {
            Kind::Sqlite(tokens) => tokens.revoke(id),
            Kind::Postgres(tokens) => tokens.revoke(id),
        }
    }
}
