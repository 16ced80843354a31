//! The migrations, and the checks on the schema version of a file.

use crate::error::open_error;
use aibridge_store_core::StoreError;
use aibridge_store_core::migrations::{MIGRATIONS, OWN};
use aibridge_store_core::query::Dialect;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;

/// The first migrations from an empty file, in order; those of [`aibridge_store_core::migrations`] follow. `PRAGMA user_version` is the
/// number of applied ones. Never change a released migration.
const FIRST: [&str; OWN] = [
    include_str!("migrations/0001_records.sql"),
    include_str!("migrations/0002_admin_tokens.sql"),
    include_str!("migrations/0003_tool_metadata.sql"),
    include_str!("migrations/0004_object_owners.sql"),
];

/// Value of `PRAGMA application_id`, by which a database of another program is recognised: "aibr".
const APPLICATION_ID: i64 = 0x6169_6272;

/// Migrates the file, which passed [`check`], to the latest schema.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| open_error(path, error);
    let known = known();
    if check(connection, path)? == known {
        return Ok(()); // without a migration, no write lock is needed
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = validate(&transaction, path)?; // another process may have migrated meanwhile
    let shared = MIGRATIONS.iter().map(|step| step.sql(Dialect::Sqlite));
    let steps = FIRST.into_iter().map(str::to_owned).chain(shared);
    for step in steps.skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(&step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", known).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The schema version of the file, 0 for an empty file. Changes nothing.
pub(super) fn check(connection: &mut Connection, path: &Path) -> Result<i64, StoreError> {
    let transaction = connection.transaction().map_err(|error| open_error(path, error))?;
    validate(&transaction, path)
}

fn validate(transaction: &Transaction<'_>, path: &Path) -> Result<i64, StoreError> {
    let number =
        |sql| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| open_error(path, e));
    let known = known();
    let found = number("PRAGMA user_version")?;
    if found > known {
        return Err(StoreError::NewerSchema { store: path.display().to_string(), found, known });
    }
    let is_ours = number("PRAGMA application_id")? == APPLICATION_ID;
    if !is_ours && (found != 0 || number("SELECT count(*) FROM sqlite_schema")? != 0) {
        return Err(StoreError::Open {
            store: path.display().to_string(),
            problem: "it is the database of another program".to_owned(),
            advice: "name another file",
        });
    }
    Ok(found)
}

fn known() -> i64 {
    (OWN + MIGRATIONS.len()) as i64
}
