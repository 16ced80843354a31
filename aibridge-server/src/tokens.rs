//! `aibridge token`: a connection of its own to the store, beside a gateway that may be running.

use crate::cli::TokenCommand;
use crate::print::{PrintError, print};
use crate::records::table::{one_line, table};
use aibridge_store::{StoreError, StoreOptions, TokenRow, Tokens};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Write};
use uuid::Uuid;

/// Does what `command` says and prints what comes of it to `out`.
///
/// # Errors
///
/// When the store cannot be used, or knows no such token, or `out` takes nothing.
pub fn run(command: &TokenCommand, options: StoreOptions, out: &mut dyn Write) -> Result<(), TokenError> {
    let tokens = Tokens::open(options)?;
    match command {
        TokenCommand::Create { user, expires, admin } => {
            let (row, token) =
                if *admin { tokens.create_admin(user, *expires) } else { tokens.create(user, *expires) }?;
            show(out, &row, &token).map_err(|error| not_shown(&tokens, row.id, error))
        }
        TokenCommand::List => Ok(print(out, &list(&tokens.list()?))?),
        TokenCommand::Revoke { id } => match tokens.revoke(*id)? {
            true => Ok(print(out, &format!("revoked {id}\n"))?),
            false => Err(TokenError::Unknown(*id)),
        },
    }
}

fn show(out: &mut dyn Write, row: &TokenRow, token: &SecretString) -> io::Result<()> {
    let until = row.expires_at.map_or("until it is revoked".to_owned(), |at| format!("until {at:.0}"));
    let (user, id) = (one_line(&row.user), row.id);
    writeln!(out, "{}", token.expose_secret())?;
    writeln!(out, "This is the token of {user} ({id}), valid {until}. It is not shown again.")?;
    out.flush()
}

/// A token that nobody saw is good for nobody.
fn not_shown(tokens: &Tokens, id: Uuid, source: io::Error) -> TokenError {
    let then = match tokens.revoke(id) {
        Ok(_) => "it is revoked".to_owned(),
        Err(error) => format!("it cannot be revoked either ({error}): run `aibridge token revoke {id}`"),
    };
    TokenError::NotShown { source, then }
}

/// Why a token command failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such token.
    #[error("there is no valid token {0}: `aibridge token list` shows them all")]
    Unknown(Uuid),
    /// The output takes nothing.
    #[error(transparent)]
    Print(#[from] PrintError),
    /// The output does not take a new token.
    #[error("cannot show the new token: {source}; {then}")]
    NotShown {
        /// Why the output does not take it.
        source: io::Error,
        /// What became of the token.
        then: String,
    },
}

impl TokenError {
    /// Whether the command asked for something impossible: a user without a name, an expiry in the past.
    pub fn is_bad_usage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_caller_error())
    }
}

fn list(rows: &[TokenRow]) -> String {
    let time = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| format!("{at:.0}"));
    let row = |row: &TokenRow| {
        vec![
            row.id.to_string(),
            row.user.clone(),
            row.hint.clone(),
            if row.admin { "yes" } else { "-" }.to_owned(),
            time(Some(row.created_at)),
            time(row.expires_at),
            time(row.revoked_at),
        ]
    };
    let names = ["ID", "USER", "TOKEN", "ADMIN", "CREATED", "EXPIRES", "REVOKED"];
    table(&names, rows.iter().map(row))
}
