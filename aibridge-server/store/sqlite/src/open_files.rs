//! Detection of removed or replaced database files. SQLite continues to write to a file that was removed or moved,
//! without an error; those records would be lost.

use aibridge_store_core::StoreError;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Suffixes of the files that SQLite keeps for a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of an open database.
pub(super) struct OpenFiles([OpenFile; SUFFIXES.len()]);

struct OpenFile {
    path: PathBuf,
    /// Not set while SQLite has not created the file.
    identity: OnceLock<Identity>,
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
            let opened = OnceLock::new();
            if let Some(found) = identity(&path) {
                opened.get_or_init(|| found);
            }
            OpenFile { identity: opened, path }
        }))
    }

    /// Checks that each file is still the one that was opened. Costs one system call per file.
    ///
    /// # Errors
    ///
    /// [`StoreError::FileGone`] for the first file that was removed or replaced.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        for file in &self.0 {
            let found = identity(&file.path);
            match (file.identity.get(), found) {
                (None, Some(found)) => {
                    file.identity.get_or_init(|| found);
                }
                (None, None) => {}
                (opened, ref found) if opened == found.as_ref() => {}
                (Some(_), _) => return Err(StoreError::FileGone { file: file.path.display().to_string() }),
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
