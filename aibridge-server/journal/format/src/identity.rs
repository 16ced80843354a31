//! The file that names the journal: its id, and how often it was opened.

use crate::disk::Disk;
use crate::layout::{array, put, u32_at, u64_at};
use std::io;
use uuid::Uuid;

/// The name of the file.
pub const IDENTITY: &str = "identity";

/// The name of the file while it is written.
pub const IDENTITY_NEW: &str = "identity.new";

const MAGIC: [u8; 8] = *b"journal\n";
const VERSION: u32 = 1;
const BYTES: usize = 64;

/// The number of bits of a sequence number that count the frames of one epoch.
const EPOCH_SHIFT: u32 = 40;

/// The identity of a journal, and its current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id of the journal.
    pub journal: Uuid,
    /// The number of times that the journal was opened. Each epoch has its own sequence numbers: frames that a power loss
    /// took from the end of one epoch may have been read before, so their numbers are not used again.
    pub epoch: u64,
}

/// The content of the identity file in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityFile {
    Identity(Identity),
    Missing,
    Damaged,
    Version(u32),
}

/// The first sequence number of an epoch.
#[must_use]
pub const fn first_of_epoch(epoch: u64) -> u64 {
    epoch << EPOCH_SHIFT
}

/// The epoch that a sequence number belongs to.
pub(crate) const fn epoch_of(sequence: u64) -> u64 {
    sequence >> EPOCH_SHIFT
}

impl Identity {
    pub(crate) fn read(disk: &dyn Disk, names: &[String]) -> io::Result<IdentityFile> {
        if !names.iter().any(|name| name == IDENTITY) {
            return Ok(IdentityFile::Missing);
        }
        Self::read_file(&*disk.open(IDENTITY)?)
    }

    pub(crate) fn read_file(file: &dyn crate::disk::DiskFile) -> io::Result<IdentityFile> {
        let mut block = [0; BYTES + 1];
        let read = file.read_at(&mut block, 0)?;
        Ok(Self::decode(&block[..read]))
    }

    fn decode(block: &[u8]) -> IdentityFile {
        if block.len() != BYTES
            || !block.starts_with(&MAGIC)
            || u32_at(block, 8) != crc32c::crc32c(&block[12..])
        {
            return IdentityFile::Damaged;
        }
        match u32_at(block, 12) {
            VERSION => IdentityFile::Identity(Self {
                journal: Uuid::from_bytes(array(block, 16)),
                epoch: u64_at(block, 32),
            }),
            version => IdentityFile::Version(version),
        }
    }

    /// Replaces the file. It is durable afterwards.
    ///
    /// # Errors
    ///
    /// The error of the file system.
    pub fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut block = [0; BYTES];
        put(&mut block, 0, &MAGIC);
        put(&mut block, 12, &VERSION.to_le_bytes());
        put(&mut block, 16, self.journal.as_bytes());
        put(&mut block, 32, &self.epoch.to_le_bytes());
        let checksum = crc32c::crc32c(&block[12..]);
        put(&mut block, 8, &checksum.to_le_bytes());
        let file = disk.create(IDENTITY_NEW)?;
        file.write_at(&block, 0)?;
        file.sync_data()?;
        disk.rename(IDENTITY_NEW, IDENTITY)?;
        disk.sync_directory()
    }
}
