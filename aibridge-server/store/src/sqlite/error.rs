use crate::StoreError;
use rusqlite::ErrorCode;
use std::io;
use std::path::Path;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Why the file at `path` cannot be opened, and what to do about it.
pub(super) fn open_error(path: &Path, error: rusqlite::Error) -> StoreError {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is no SQLite database: name another file",
        Some(ErrorCode::DatabaseCorrupt) => "restore a backup, or move the file away to begin anew",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process is writing to it: end that, or try again"
        }
        Some(ErrorCode::DiskFull) => "make room on the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "make it and its directory writable for this user, or name another file"
        }
        _ => "look at its disk and file system, or name another file",
    };
    StoreError::Open { store: path.display().to_string(), problem: error.to_string(), advice }
}

/// The operating system gave no thread to serve the store at `path`.
pub(super) fn thread_error(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Open {
        store: path.display().to_string(),
        problem: format!("no thread could be started: {error}"),
        advice: "raise the limit of processes for this user",
    }
}
