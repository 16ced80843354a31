//! Conversion of SQLite errors, with advice for operators.

use aibridge_store_core::StoreError;
use rusqlite::ErrorCode;
use std::io;
use std::path::Path;

/// The error of a call that the database refused.
pub(super) fn refused(error: rusqlite::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// The error for a file that cannot be opened, with advice.
pub(super) fn open_error(path: &Path, error: rusqlite::Error) -> StoreError {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is not a SQLite database; name another file",
        Some(ErrorCode::DatabaseCorrupt) => {
            "restore a backup, or move the file away to start with an empty store"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process is writing to it; stop that process, or try again"
        }
        Some(ErrorCode::DiskFull) => "free space on the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "make it and its directory writable for this user, or name another file"
        }
        _ => "check its disk and file system, or name another file",
    };
    StoreError::Open { store: path.display().to_string(), problem: error.to_string(), advice }
}

/// The error for a thread that could not be started.
pub(super) fn thread_error(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Open {
        store: path.display().to_string(),
        problem: format!("cannot start a thread: {error}"),
        advice: "raise the limit of processes for this user",
    }
}
