//! Releases frames that were read, and removes files that hold no others.

use super::Log;
use aibridge_journal_format::{DAMAGED, Disk, StoredFile};
use std::io;
use std::sync::Arc;

impl Log {
    /// Releases the frames up to `through`, and returns the files that hold no others.
    pub(crate) fn release(&mut self, through: u64) -> Vec<Arc<StoredFile>> {
        while let Some(segment) = self.segments.front_mut()
            && segment.from <= through
        {
            if segment.to > through {
                segment.from = through + 1;
                break;
            }
            if Arc::ptr_eq(&segment.file, &self.current.stored) {
                self.current.released = self.current.stored.bytes();
            }
            self.segments.pop_front();
        }
        let pinned = self.pinned();
        self.tail.release(through, pinned);
        self.unread()
    }

    /// The files without frames that a reader still needs.
    fn unread(&self) -> Vec<Arc<StoredFile>> {
        let is_read =
            |file: &Arc<StoredFile>| self.segments.iter().any(|segment| Arc::ptr_eq(&segment.file, file));
        self.files.iter().filter(|file| !is_read(file)).cloned().collect()
    }

    /// Forgets files that were removed or set aside.
    pub(crate) fn forget(&mut self, removed: &[Arc<StoredFile>]) {
        self.files.retain(|file| !removed.iter().any(|removed| Arc::ptr_eq(file, removed)));
    }
}

/// Removes a file, or sets it aside if it is damaged.
pub(crate) fn remove(disk: &dyn Disk, file: &StoredFile) -> io::Result<()> {
    let result = if file.is_damaged() { set_aside(disk, &file.name) } else { disk.remove(&file.name) };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Renames a file to a free name that recovery ignores.
pub(crate) fn set_aside(disk: &dyn Disk, name: &str) -> io::Result<()> {
    let mut aside = format!("{name}{DAMAGED}");
    for number in 1u64.. {
        if disk.identity(&aside)?.is_none() {
            break;
        }
        aside = format!("{name}{DAMAGED}.{number}");
    }
    disk.rename(name, &aside)
}
