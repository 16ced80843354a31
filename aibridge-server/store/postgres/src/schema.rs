//! The migrations, and the check of the schema version of a database.

use crate::error::PgError;
use aibridge_store_core::migrations::{MIGRATIONS, OWN};
use aibridge_store_core::query::Dialect;
use tokio_postgres::Client;

/// The first migrations from an empty database, in order; those of [`aibridge_store_core::migrations`] follow. `aibridge_schema` has a
/// row for each applied one. Never change a released migration.
const FIRST: [&str; OWN] = [
    include_str!("migrations/0001_records.sql"),
    include_str!("migrations/0002_model_cooldowns.sql"),
    include_str!("migrations/0003_tool_metadata.sql"),
    include_str!("migrations/0004_object_owners.sql"),
];

/// Key of the advisory lock that serialises migrations: "aibr".
const LOCK: i64 = 0x6169_6272;

const IS_THERE: &str = "SELECT to_regclass('aibridge_schema') IS NOT NULL";
const FOUND: &str = "SELECT coalesce(max(version), 0) FROM aibridge_schema";
const CREATE: &str = "CREATE TABLE IF NOT EXISTS aibridge_schema \
    (version bigint NOT NULL PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
const APPLIED: &str = "INSERT INTO aibridge_schema (version) VALUES ($1)";

/// Migrates the database to the latest schema. Safe to run by several gateways at once.
pub(super) async fn migrate(client: &mut Client) -> Result<(), PgError> {
    let there: bool = client.query_one(IS_THERE, &[]).await?.try_get(0)?;
    if there && found(client.query_one(FOUND, &[]).await?.try_get(0)?)? == known() {
        return Ok(()); // without a migration, no write privilege is needed
    }
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute(CREATE).await.map_err(PgError::Migration)?;
    let found = found(transaction.query_one(FOUND, &[]).await?.try_get(0)?)?;
    let shared = MIGRATIONS.iter().map(|step| step.sql(Dialect::Postgres));
    let steps = FIRST.into_iter().map(str::to_owned).chain(shared);
    for (step, version) in steps.zip(1_i64..).skip(usize::try_from(found).unwrap_or_default()) {
        transaction.batch_execute(&step).await.map_err(PgError::Migration)?;
        transaction.execute(APPLIED, &[&version]).await.map_err(PgError::Migration)?;
    }
    transaction.commit().await.map_err(PgError::Migration)
}

/// Whether the tables exist, in a supported schema version. Changes nothing.
pub(super) async fn check(client: &Client) -> Result<bool, PgError> {
    if !client.query_one(IS_THERE, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    Ok(found(client.query_one(FOUND, &[]).await?.try_get(0)?)? > 0)
}

fn known() -> i64 {
    (OWN + MIGRATIONS.len()) as i64
}

/// Checks that the schema version is supported.
fn found(found: i64) -> Result<i64, PgError> {
    if found > known() { Err(PgError::NewerSchema { found, known: known() }) } else { Ok(found) }
}
