//! Whether the files of a database are still those that SQLite has open. SQLite goes on writing to a file that was
//! removed or moved, without an error; nobody would find those records again.

use crate::StoreError;
use std::fs;
use std::path::{Path, PathBuf};

/// What SQLite appends to the name of a database for the files beside it.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of a database that is open.
pub(super) struct OpenFiles([OpenFile; SUFFIXES.len()]);

struct OpenFile {
    path: PathBuf,
    /// `None` as long as SQLite has not made the file.
    identity: Option<Identity>,
}

/// Device and inode.
type Identity = (u64, u64);

impl OpenFiles {
    /// The files of the database at `path`, which was opened just now.
    pub(super) fn of(path: &Path) -> Self {
        Self(SUFFIXES.map(|suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let path = PathBuf::from(name);
            OpenFile { identity: identity(&path), path }
        }))
    }

    /// Whether each file is where it was. One system call for each of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::FileGone`], which names the first that is not.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        for file in &mut self.0 {
            let found = identity(&file.path);
            match file.identity {
                None => file.identity = found,
                opened if opened == found => {}
                Some(_) => return Err(StoreError::FileGone { file: file.path.display().to_string() }),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|_| (0, 0))
}
