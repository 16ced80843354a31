//! Interceptions that a crashed gateway left open, closed at the next start.

use crate::error::open_error;
use crate::lock_file::LockFile;
use crate::time::to_text;
use aibridge_recorder::{ErrorType, Outcome};
use aibridge_store_core::StoreError;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::path::Path;

const ANY: &str = "SELECT 1 FROM aibridge_interceptions WHERE ended_at IS NULL";
const CLOSE: &str = "UPDATE aibridge_interceptions \
    SET outcome = ?1, error_type = ?2, ended_at = ?3 WHERE ended_at IS NULL";

/// Closes the interceptions that a crashed gateway left open, and returns their number. Closes none if another
/// gateway uses the file, because they may belong to it.
pub(super) fn close(connection: &Connection, lock: &LockFile, path: &Path) -> Result<u64, StoreError> {
    if !lock.is_exclusive() {
        tracing::warn!(
            store = %path.display(),
            "another gateway uses the same store; interceptions that a crash left open stay open until a start \
             without another one"
        );
        return Ok(0);
    }
    let closed = run(connection, Timestamp::now()).map_err(|error| open_error(path, error))?;
    if closed > 0 {
        tracing::warn!(closed, "the last gateway crashed with open interceptions; they are closed as failed");
    }
    Ok(closed)
}

fn run(connection: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    if !connection.prepare(ANY)?.exists([])? {
        return Ok(0); // without orphans, no write lock is needed
    }
    let outcome = Outcome::Failed(ErrorType::GatewayCrash);
    let error_type = outcome.error_type().map(ErrorType::as_str);
    let closed = connection.execute(CLOSE, params![outcome.as_str(), error_type, to_text(now)])?;
    Ok(closed as u64)
}
