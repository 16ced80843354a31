//! The database file: creation and modification time.

use crate::private_file::owner_only;
use aibridge_store_core::StoreError;
use jiff::Timestamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Creates the file at `path` if it is missing, and returns its canonical path. Every gateway must use the same path,
/// because SQLite and the lock file create files beside it, with the mode of the database.
pub(super) fn create(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::Open {
        store: path.display().to_string(),
        problem: error.to_string(),
        advice: "name a file in a directory that exists and that this user may write to",
    };
    if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "an in-memory store would lose its records",
        )));
    }
    match owner_only().create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let path = path.canonicalize().map_err(failed)?;
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(path)
}

/// The modification time of the database or of its write-ahead log, whichever is later; `None` if there is no file.
pub(super) fn last_written(path: &Path) -> Option<Timestamp> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    written(path).max(written(Path::new(&log))).and_then(|at| Timestamp::try_from(at).ok())
}
