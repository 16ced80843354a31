//! `aibridge token`: a connection of its own to the store, beside a gateway that may be running.

use crate::cli::TokenCommand;
use aibridge_store::{StoreError, StoreOptions, TokenRow, Tokens};
use secrecy::ExposeSecret;
use std::fmt::Write as _;

/// Does what `command` says and gives what it prints.
///
/// # Errors
///
/// When the store cannot be used, or knows no such token.
pub fn run(command: &TokenCommand, options: StoreOptions) -> Result<String, TokenError> {
    let tokens = Tokens::open(options)?;
    match command {
        TokenCommand::Create { user, expires, admin } => {
            let (row, token) =
                if *admin { tokens.create_admin(user, *expires) } else { tokens.create(user, *expires) }?;
            let until =
                row.expires_at.map_or("until it is revoked".to_owned(), |at| format!("until {at:.0}"));
            Ok(format!(
                "{}\nThis is the token of {} ({}), valid {until}. It is not shown again.\n",
                token.expose_secret(),
                row.user,
                row.id,
            ))
        }
        TokenCommand::List => Ok(table(&tokens.list()?)),
        TokenCommand::Revoke { id } => match tokens.revoke(*id)? {
            true => Ok(format!("revoked {id}\n")),
            false => Err(TokenError::Unknown(*id)),
        },
    }
}

/// Why a token command failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such token.
    #[error("there is no valid token {0}: `aibridge token list` shows them all")]
    Unknown(uuid::Uuid),
}

impl TokenError {
    /// Whether the command asked for something impossible: a user without a name, an expiry in the past.
    pub fn is_bad_usage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_callers_fault())
    }
}

fn table(rows: &[TokenRow]) -> String {
    let mut text = format!(
        "{:36}  {:20}  {:13}  {:5}  {:20}  {:20}  {}\n",
        "ID", "USER", "TOKEN", "ADMIN", "CREATED", "EXPIRES", "REVOKED"
    );
    for row in rows {
        let time = |at: Option<jiff::Timestamp>| at.map_or("-".to_owned(), |at| format!("{at:.0}"));
        let _ = writeln!(
            text,
            "{:36}  {:20}  {:13}  {:5}  {:20}  {:20}  {}",
            row.id,
            row.user,
            row.hint,
            if row.admin { "yes" } else { "-" },
            time(Some(row.created_at)),
            time(row.expires_at),
            time(row.revoked_at),
        );
    }
    text
}
