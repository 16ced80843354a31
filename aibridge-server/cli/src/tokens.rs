//! The command `token`: creates, lists and revokes access tokens. A gateway may be running at the same time.

use crate::args::TokenCommand;
use crate::output::{PrintError, print};
use crate::text_table::{one_line, table};
use aibridge_store::{StoreError, StoreOptions, TokenRow, Tokens};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Write};
use uuid::Uuid;

/// Runs `aibridge token`, and writes the result to `out`.
///
/// # Errors
///
/// If the store cannot be used, has no such token, or `out` cannot be written.
pub fn run(command: &TokenCommand, options: StoreOptions, out: &mut dyn Write) -> Result<(), TokenError> {
    let tokens = Tokens::open(options)?;
    match command {
        TokenCommand::Create { user, expires, groups, admin } => {
            let (row, token) = tokens.create_member(user, groups, *expires, *admin)?;
            show(out, &row, &token).map_err(|error| revoke_unshown(&tokens, row.id, error))
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

/// Revokes a new token that could not be shown, because nobody can use it.
fn revoke_unshown(tokens: &Tokens, id: Uuid, source: io::Error) -> TokenError {
    let consequence = match tokens.revoke(id) {
        Ok(_) => "it is revoked".to_owned(),
        Err(error) => format!("it cannot be revoked either ({error}): run `aibridge token revoke {id}`"),
    };
    TokenError::NotShown { source, consequence }
}

/// The reason why a token command failed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No valid token has this id.
    #[error("there is no valid token {0}: `aibridge token list` shows them all")]
    Unknown(Uuid),
    /// The output cannot be written.
    #[error(transparent)]
    Print(#[from] PrintError),
    /// A new token cannot be written to the output.
    #[error("cannot show the new token: {source}; {consequence}")]
    NotShown {
        /// The error of the output.
        source: io::Error,
        /// Whether the token is revoked, or how to revoke it.
        consequence: String,
    },
}

impl TokenError {
    /// Whether the arguments are invalid: an empty user name, or an expiry in the past.
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
            if row.groups.is_empty() { "-".to_owned() } else { row.groups.join(",") },
            if row.admin { "yes" } else { "-" }.to_owned(),
            time(Some(row.created_at)),
            time(row.expires_at),
            time(row.revoked_at),
        ]
    };
    let names = ["ID", "USER", "TOKEN", "GROUPS", "ADMIN", "CREATED", "EXPIRES", "REVOKED"];
    table(&names, rows.iter().map(row))
}
