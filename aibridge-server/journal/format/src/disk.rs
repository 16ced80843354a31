//! The file system as the journal uses it: a seam for tests of failing, full and lossy disks.

mod local;

pub use local::LocalDisk;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// One flat directory of files.
///
/// Names are plain file names, never paths. A created, renamed or removed name is durable after
/// [`Disk::sync_directory`], the content of a file after [`DiskFile::sync_data`].
pub trait Disk: Debug + Send + Sync + 'static {
    /// Takes the directory for this process until the value is dropped, and fails if another process has it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if another process has the lock.
    fn lock(&self) -> io::Result<Box<dyn Debug + Send + Sync>>;

    /// The names of all files, in no particular order.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a file, or empties an existing one, and opens it for reading and writing.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, which replaces a file that has that name.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes created, renamed and removed names durable.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn sync_directory(&self) -> io::Result<()>;

    /// The identity of the file that has this name now. `None` if there is none.
    ///
    /// # Errors
    ///
    /// The error of the file system. A missing file is no error.
    fn identity(&self, name: &str) -> io::Result<Option<FileIdentity>>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: Debug + Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `offset` until `buffer` is full or the file ends, and returns how many bytes were read.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error any part of them may be there.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or extends it by zeros that take no space.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Extends the file to `len` by zeros whose space is taken, where the file system can do that, so that later
    /// writes neither find the disk full nor change the file's metadata.
    ///
    /// # Errors
    ///
    /// The error of the file system, above all a full disk.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Returns when everything that was written is durable. After an error, nothing that was written since the last success
    /// may be assumed to be durable, even if a later call succeeds.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn sync_data(&self) -> io::Result<()>;

    /// The identity of this open file.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    fn identity(&self) -> io::Result<FileIdentity>;
}

/// The identity of a file: its device and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The device that holds the file.
    pub device: u64,
    /// The number of the file on its device.
    pub inode: u64,
}
