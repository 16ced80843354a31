use crate::StoreError;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Options for a file that only its owner may read, if they create it: prompts are nobody else's business. The
/// files that SQLite puts beside the database get the database's mode.
pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes sure that there is a file at `path`, and returns the one absolute name that it has for every gateway:
/// SQLite and our lock put their files beside it.
pub(super) fn create(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::Open {
        path: path.to_owned(),
        problem: error.to_string(),
        advice: "name a file in a directory that exists and that this user may write to",
    };
    if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "records must outlive the process")));
    }
    match private().create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let path = path.canonicalize().map_err(failed)?;
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(path)
}
