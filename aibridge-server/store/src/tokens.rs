//! Management of access tokens, for the command line.

use crate::{StoreError, StoreOptions, TokenRow};
use aibridge_postgres::PostgresTokens;
use aibridge_sqlite::SqliteTokens;
use aibridge_tokens::NewToken;
use jiff::Timestamp;
use secrecy::SecretString;
use std::time::Duration;
use uuid::Uuid;

/// The access tokens of a store, for the command line. It uses a connection of its own, and gateways on the same
/// store may run: they apply a change within a second.
///
/// All methods block. On PostgreSQL they run a Tokio runtime of their own, so they must not be called from within a
/// runtime.
pub struct Tokens(Kind);

enum Kind {
    Sqlite(SqliteTokens),
    Postgres(Box<PostgresTokens>),
}

impl Tokens {
    /// Opens the store. Creates its file and tables if they are missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        Ok(Self(match options.into() {
            StoreOptions::Sqlite(options) => Kind::Sqlite(SqliteTokens::open(&options)?),
            StoreOptions::Postgres(options) => Kind::Postgres(Box::new(PostgresTokens::open(&options)?)),
        }))
    }

    /// Creates a token for `user` that expires after `expires_in`, if given. The returned secret is not stored and
    /// cannot be read again.
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
        self.create_member(user, &[], expires_in, false)
    }

    /// Like [`Self::create`]; the token also admits to the admin API.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn create_admin(
        &self,
        user: &str,
        expires_in: Option<Duration>,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        self.create_member(user, &[], expires_in, true)
    }

    /// Like [`Self::create`]; `user` belongs to `groups`, and the token admits to the admin API if `admin` is set.
    ///
    /// # Errors
    ///
    /// As [`Self::create`], and [`StoreError::InvalidGroup`] for a name that is empty, longer than 100 characters, or
    /// holds commas or control characters, or for more than 32 groups.
    pub fn create_member(
        &self,
        user: &str,
        groups: &[String],
        expires_in: Option<Duration>,
        admin: bool,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        let new_token = NewToken::new(user, groups, expires_in, admin, Timestamp::now())?;
        match &self.0 {
            Kind::Sqlite(tokens) => tokens.insert(&new_token)?,
            Kind::Postgres(tokens) => tokens.insert(&new_token)?,
        }
        Ok((new_token.row, new_token.secret))
    }

    /// All tokens, oldest first, including expired and revoked ones.
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

    /// Revokes a token permanently. Returns `false` if no token has this id. A second call has no effect.
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
