//! Statements on `aibridge_tokens` in SQLite.

use crate::time::{from_text, to_text};
use aibridge_tokens::{NewToken, TokenHash, TokenRow, groups};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

const INSERT: &str = "INSERT INTO aibridge_tokens (id, user_name, hash, hint, created_at, expires_at, admin, user_groups) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const LIST: &str = "SELECT id, user_name, hint, created_at, expires_at, revoked_at, admin, user_groups FROM aibridge_tokens ORDER BY id";
const FIND: &str = "SELECT id, user_name, hint, created_at, expires_at, revoked_at, admin, user_groups, hash \
    FROM aibridge_tokens WHERE hash = ?1";
const REVOKE: &str = "UPDATE aibridge_tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";

pub(super) fn insert(connection: &Connection, token: &NewToken) -> rusqlite::Result<()> {
    let row = &token.row;
    let values = params![
        row.id.to_string(),
        row.user,
        token.hash.as_bytes(),
        row.hint,
        to_text(row.created_at),
        row.expires_at.map(to_text),
        row.admin,
        groups::to_column(&row.groups),
    ];
    connection.execute(INSERT, values).map(drop)
}

/// Reads all tokens, oldest first.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<TokenRow>> {
    connection.prepare(LIST)?.query_map([], read)?.collect()
}

/// Looks up the token with this hash. The index finds the row; the final comparison takes constant time.
pub(super) fn find(connection: &Connection, hash: &TokenHash) -> rusqlite::Result<Option<TokenRow>> {
    let mut statement = connection.prepare_cached(FIND)?;
    let found = statement.query_row([hash.as_bytes()], |row| Ok((read(row)?, row.get::<_, Vec<u8>>(8)?)));
    Ok(found.optional()?.and_then(|(token, stored)| hash.matches(&stored).then_some(token)))
}

/// Revokes a token; returns whether it exists. The first revocation time is kept.
pub(super) fn revoke(connection: &Connection, id: Uuid, now: Timestamp) -> rusqlite::Result<bool> {
    Ok(connection.execute(REVOKE, params![id.to_string(), to_text(now)])? > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let time = |column| from_text(&row.get::<_, String>(column)?, column);
    let optional_time =
        |column| row.get::<_, Option<String>>(column)?.map(|text| from_text(&text, column)).transpose();
    Ok(TokenRow {
        id: row.get::<_, String>(0)?.parse().map_err(|error: uuid::Error| {
            rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
        })?,
        user: row.get(1)?,
        hint: row.get(2)?,
        created_at: time(3)?,
        expires_at: optional_time(4)?,
        revoked_at: optional_time(5)?,
        admin: row.get(6)?,
        groups: groups::from_column(row.get::<_, Option<String>>(7)?.as_deref()),
    })
}
