//! Statements on `aibridge_tokens` in PostgreSQL.

use crate::error::PgError;
use aibridge_tokens::{NewToken, TokenHash, TokenRow, groups};
use jiff::Timestamp;
use std::collections::HashSet;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

const INSERT: &str = "INSERT INTO aibridge_tokens (id, user_name, hash, hint, created_at, expires_at, admin, user_groups) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const LIST: &str = "SELECT id, user_name, hint, created_at, expires_at, revoked_at, admin, user_groups FROM aibridge_tokens ORDER BY id";
const FIND: &str = "SELECT id, user_name, hint, created_at, expires_at, revoked_at, admin, user_groups, hash \
    FROM aibridge_tokens WHERE hash = $1";
const UNREVOKED: &str = "SELECT hash FROM aibridge_tokens WHERE hash = ANY ($1) AND revoked_at IS NULL";
const REVOKE: &str = "UPDATE aibridge_tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";

pub(super) async fn insert(client: &Client, token: &NewToken) -> Result<(), PgError> {
    let row = &token.row;
    let hash = token.hash.as_bytes();
    client
        .execute(
            INSERT,
            &[
                &row.id,
                &row.user,
                &hash,
                &row.hint,
                &row.created_at,
                &row.expires_at,
                &row.admin,
                &groups::to_column(&row.groups),
            ],
        )
        .await?;
    Ok(())
}

/// Reads all tokens, oldest first.
pub(super) async fn list(client: &Client) -> Result<Vec<TokenRow>, PgError> {
    client.query(LIST, &[]).await?.iter().map(read).collect()
}

/// Looks up the token with this hash. The index finds the row; the final comparison takes constant time.
pub(super) async fn find(client: &Client, hash: &TokenHash) -> Result<Option<TokenRow>, PgError> {
    let Some(row) = client.query_opt(FIND, &[&hash.as_bytes()]).await? else { return Ok(None) };
    let token = read(&row)?;
    Ok(hash.matches(row.try_get(8)?).then_some(token))
}

/// The hashes among `hashes` whose tokens exist and are not revoked.
pub(super) async fn unrevoked(client: &Client, hashes: &[TokenHash]) -> Result<HashSet<TokenHash>, PgError> {
    let hashes: Vec<&[u8]> = hashes.iter().map(TokenHash::as_bytes).collect();
    let found = client.query(UNREVOKED, &[&hashes]).await?;
    let hash = |row: &Row| Ok(TokenHash::from_bytes(row.try_get(0)?));
    let hashes: Vec<Option<TokenHash>> = found.iter().map(hash).collect::<Result<_, PgError>>()?;
    Ok(hashes.into_iter().flatten().collect())
}

/// Revokes a token; returns whether it exists. The first revocation time is kept.
pub(super) async fn revoke(client: &Client, id: Uuid, now: Timestamp) -> Result<bool, PgError> {
    Ok(client.execute(REVOKE, &[&id, &now]).await? > 0)
}

fn read(row: &Row) -> Result<TokenRow, PgError> {
    Ok(TokenRow {
        id: row.try_get(0)?,
        user: row.try_get(1)?,
        hint: row.try_get(2)?,
        created_at: row.try_get(3)?,
        expires_at: row.try_get(4)?,
        revoked_at: row.try_get(5)?,
        admin: row.try_get(6)?,
        groups: groups::from_column(row.try_get(7)?),
    })
}
