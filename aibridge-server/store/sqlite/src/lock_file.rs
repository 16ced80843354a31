//! The lock file `<database>-lock`, by which gateways on one database detect each other.

use crate::private_file::owner_only;
use aibridge_store_core::StoreError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// Number of attempts to get the shared lock, and the pause between them: 5 s in total. The attempt fails only while
/// another gateway starts on the same file, which holds the lock exclusively for a moment.
const SHARED_TRIES: u32 = 500;
const SHARED_PAUSE: Duration = Duration::from_millis(10);

/// A lock on the file `<database>-lock`. The operating system releases it when the process ends for any reason.
///
/// A gateway that gets the lock exclusively is the only one on the database, so that all open interceptions were left
/// by crashed gateways. It then downgrades to a shared lock and keeps that until it ends.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    exclusive: bool,
}

impl LockFile {
    /// Acquires the lock exclusively if no other gateway holds it; otherwise without a lock until
    /// [`Self::downgrade`].
    pub(super) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let path = lock_path(database);
        let file = owner_only()
            .create(true)
            .open(&path)
            .map_err(|error| failed(&path, "cannot open its lock file", &error))?;
        let exclusive = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                return Err(failed(&path, "cannot lock its lock file", &error));
            }
        };
        Ok(Self { file, path, exclusive })
    }

    /// Whether this gateway holds the lock exclusively.
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Acquires the shared lock. Between the two locks another gateway may hold the lock exclusively for a moment;
    /// that has no effect as long as this gateway has no open interception.
    pub(super) fn downgrade(&mut self) -> Result<(), StoreError> {
        let cannot = |error| failed(&self.path, "cannot share its lock file", &error);
        if self.exclusive {
            self.file.unlock().map_err(cannot)?;
            self.exclusive = false;
        }
        for _ in 0..SHARED_TRIES {
            match self.file.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => sleep(SHARED_PAUSE),
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
        }
        Err(cannot(io::ErrorKind::TimedOut.into()))
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push("-lock");
    path.into()
}

fn failed(path: &Path, problem: &str, error: &io::Error) -> StoreError {
    StoreError::Open {
        store: path.display().to_string(),
        problem: format!("{problem}: {error}"),
        advice: "make it and its directory writable for this user, on a file system with locks, \
                 and let no other program lock it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_exclusive_until_it_downgrades_and_the_next_after_all_ended() {
        let directory = tempfile::tempdir().expect("a directory");
        let database = directory.path().join("a.db");
        let enter = || LockFile::acquire(&database).expect("a lock");

        let mut first = enter();
        assert!(first.is_exclusive());
        assert!(!enter().is_exclusive(), "the first is still exclusive");
        first.downgrade().expect("a share");
        let mut second = enter();
        assert!(!second.is_exclusive());
        second.downgrade().expect("a share");
        drop(first);
        assert!(!enter().is_exclusive(), "the second still holds the lock");
        drop(second);
        assert!(enter().is_exclusive());
    }

    #[test]
    fn databases_do_not_share_a_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        let _one = LockFile::acquire(&directory.path().join("a.db")).expect("a lock");
        assert!(LockFile::acquire(&directory.path().join("b.db")).expect("a lock").is_exclusive());
    }
}
