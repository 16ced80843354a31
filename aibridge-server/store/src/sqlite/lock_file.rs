use crate::StoreError;
use crate::private_file::owner_only;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// How often, and how far apart, the shared lock is tried: 5 s in total. It is only ever taken while another
/// gateway starts on the same file, which holds it exclusively for a moment.
const SHARED_TRIES: u32 = 500;
const SHARED_PAUSE: Duration = Duration::from_millis(10);

/// That a gateway lives on a database: a lock on the file `<database>-lock`, which the operating system lets go
/// when the process dies, however it dies.
///
/// A gateway that can have it exclusively is alone, so that whatever is open was left by the dead. It then shares
/// the lock, and keeps its share for life.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
    exclusive: bool,
}

impl LockFile {
    /// Enters, exclusively if no other gateway lives on `database`.
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

    /// Whether no other gateway lives on the database, nor can enter before [`Self::share`].
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Lets other gateways in. Between the two locks another one may be alone for a moment; that does no harm as
    /// long as this one has no interception open yet.
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
    fn the_first_is_alone_until_it_shares_and_the_next_after_all_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let database = directory.path().join("a.db");
        let enter = || LockFile::acquire(&database).expect("a lock");

        let mut first = enter();
        assert!(first.is_exclusive());
        assert!(!enter().is_exclusive(), "the first is still alone");
        first.downgrade().expect("a share");
        let mut second = enter();
        assert!(!second.is_exclusive());
        second.downgrade().expect("a share");
        drop(first);
        assert!(!enter().is_exclusive(), "the second still lives");
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
