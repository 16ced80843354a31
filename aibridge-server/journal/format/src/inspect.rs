//! Reads a journal without opening it: the damage that a recovery would find, and the files that earlier ones kept aside.

use crate::disk::{Disk, LocalDisk};
use crate::header::DAMAGED;
use crate::recover::{OpenError, recover};
use crate::report::Recovery;
use std::path::Path;

/// The state of a journal's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The result that a recovery would have now. If a process uses the journal, an append in progress may look torn.
    pub recovery: Recovery,
    /// The damaged files that earlier processes kept aside.
    pub kept_aside: Vec<String>,
}

/// Reads the journal in `directory` without a lock, and changes nothing. `None` if there is no directory.
///
/// # Errors
///
/// If a later version wrote it, or the file system fails, for instance because a file is removed meanwhile.
pub fn inspect(directory: impl AsRef<Path>) -> Result<Option<Inspection>, OpenError> {
    let directory = directory.as_ref();
    if !directory.is_dir() {
        return Ok(None);
    }
    let disk = LocalDisk::new(directory).map_err(OpenError::io("the directory"))?;
    let recovery = recover(&disk)?.report;
    let mut kept_aside = disk.list().map_err(OpenError::io("the directory"))?;
    kept_aside.retain(|name| name.contains(DAMAGED));
    kept_aside.sort_unstable();
    Ok(Some(Inspection { recovery, kept_aside }))
}
