//! Detection of removed or replaced database files. SQLite continues to write to a file that was removed or moved,
//! without an error; those records would be lost.

use aibridge_store_core::StoreError;
use parking_lot::Mutex;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// Suffixes of the files that SQLite keeps for a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The shortest age of a directory's last change at which the same time proves that nothing has changed since. File
/// systems count in steps of up to two seconds, so a second change in the same step would not show.
const SETTLED: Duration = Duration::from_secs(4);

/// The files of an open database.
pub(super) struct OpenFiles {
    files: [OpenFile; SUFFIXES.len()],
    directory: PathBuf,
    /// The state of the directory in which all files were last found in place; `None` if that state may hide a change. An
    /// entry cannot be removed, renamed or replaced without a change of the directory's time. A mount over a file is noticed
    /// only after the next such change.
    verified: Mutex<Option<DirectoryState>>,
}

struct OpenFile {
    path: PathBuf,
    /// Not set while SQLite has not created the file.
    identity: OnceLock<Identity>,
}

/// Device and inode of a file.
type Identity = (u64, u64);

/// The identity of a directory, and the time of the last change of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DirectoryState {
    identity: Identity,
    changed_at: SystemTime,
}

impl OpenFiles {
    /// The files of the database at the canonical `path`, which has just been opened.
    pub(super) fn of(path: &Path) -> Self {
        let files = SUFFIXES.map(|suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let path = PathBuf::from(name);
            let opened = OnceLock::new();
            if let Some(found) = identity(&path) {
                opened.get_or_init(|| found);
            }
            OpenFile { identity: opened, path }
        });
        let directory = path.parent().unwrap_or(path).to_owned();
        Self { files, directory, verified: Mutex::default() }
    }

    /// Checks that each file is still the one that was opened. Makes one system call if the directory has not changed since
    /// the last check, else one more for each file.
    ///
    /// # Errors
    ///
    /// [`StoreError::FileGone`] for the first file that was removed or replaced.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let directory = DirectoryState::of(&self.directory);
        if directory.is_some() && *self.verified.lock() == directory {
            return Ok(());
        }
        self.files.iter().try_for_each(OpenFile::check)?;
        *self.verified.lock() = directory.filter(DirectoryState::is_settled);
        Ok(())
    }
}

impl OpenFile {
    fn check(&self) -> Result<(), StoreError> {
        match (self.identity.get(), identity(&self.path)) {
            (None, Some(found)) => {
                self.identity.get_or_init(|| found);
                Ok(())
            }
            (None, None) => Ok(()),
            (opened, ref found) if opened == found.as_ref() => Ok(()),
            (Some(_), _) => Err(StoreError::FileGone { file: self.path.display().to_string() }),
        }
    }
}

impl DirectoryState {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { identity: identity_of(&metadata), changed_at: metadata.modified().ok()? })
    }

    fn is_settled(&self) -> bool {
        SystemTime::now().duration_since(self.changed_at).is_ok_and(|age| age >= SETTLED)
    }
}

fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|metadata| identity_of(&metadata))
}

#[cfg(unix)]
fn identity_of(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// On other systems an open file cannot be removed.
#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Identity {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    /// A directory with the files of a database, whose last change was an hour ago.
    fn database() -> (tempfile::TempDir, PathBuf, OpenFiles) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("a.db");
        for suffix in SUFFIXES {
            File::create(format!("{}{suffix}", path.display())).unwrap();
        }
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        File::open(directory.path()).unwrap().set_modified(hour_ago).unwrap();
        let files = OpenFiles::of(&path);
        (directory, path, files)
    }

    #[test]
    fn a_removed_file_is_noticed_after_the_directory_was_verified() {
        for suffix in SUFFIXES {
            let (_directory, path, files) = database();
            files.check().unwrap();
            assert!(files.verified.lock().is_some());
            let file = format!("{}{suffix}", path.display());
            fs::remove_file(&file).unwrap();
            assert!(matches!(files.check(), Err(StoreError::FileGone { file: gone }) if gone == file));
        }
    }

    #[test]
    fn a_replaced_file_or_directory_is_noticed_and_another_file_is_not() {
        let (directory, path, files) = database();
        files.check().unwrap();
        let other = directory.path().join("other");
        File::create(&other).unwrap();
        files.check().unwrap();
        assert!(files.verified.lock().is_none(), "a directory that has just changed proves nothing");
        fs::rename(&other, &path).unwrap();
        assert!(matches!(files.check(), Err(StoreError::FileGone { .. })));

        let (directory, _, files) = database();
        files.check().unwrap();
        let moved = tempfile::tempdir().unwrap();
        fs::rename(directory.path(), moved.path().join("moved")).unwrap();
        assert!(matches!(files.check(), Err(StoreError::FileGone { .. })));
    }
}
