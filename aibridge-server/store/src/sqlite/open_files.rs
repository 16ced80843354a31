//! Detection of removed or replaced database files. SQLite continues to write to a file that was removed or moved,
//! without an error; those records would be lost.

use crate::StoreError;
use std::fs;
use std::path::{Path, PathBuf};

/// Suffixes of the files that SQLite keeps for a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of an open database.
pub(super) struct OpenFiles([OpenFile; SUFFIXES.len()]);

struct OpenFile {
    path: PathBuf,
    /// `None` while SQLite has not created the file.
    identity: Option<Identity>,
}

/// Device and inode of a file.
type Identity = (u64, u64);

impl OpenFiles {
    /// The files of the database at `path`, which has just been opened.
    pub(super) fn of(path: &Path) -> Self {
        Self(SUFFIXES.map(|suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let path = PathBuf::from(name);
            OpenFile { identity: identity(&path), path }
        }))
    }

    /// Checks that each file is still the one that was opened. Costs one system call per file.
    ///
    /// # Errors
    ///
    /// [`StoreError::FileGone`] for the first file that was removed or replaced.
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

/// On other systems an open file cannot be removed.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|_| (0, 0))
}
