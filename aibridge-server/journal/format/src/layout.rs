//! Reading and writing integers at fixed places of a byte block, and the seeded checksum over it.

/// The start value of the checksums in one file: a checksum fails for bytes that belong to another journal, to another
/// file, or to another offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u32);

impl Seed {
    /// The seed of the file with this generation in this journal.
    #[must_use]
    pub fn new(journal: uuid::Uuid, generation: u64) -> Self {
        Self(crc32c::crc32c_append(crc32c::crc32c(journal.as_bytes()), &generation.to_le_bytes()))
    }

    /// The CRC-32C of `bytes` at `offset` of the file.
    #[must_use]
    pub fn checksum(self, offset: u64, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, &offset.to_le_bytes()), bytes)
    }
}

/// The `N` bytes at `at`. Zeros if `block` is too short; callers pass blocks of full length.
pub(crate) fn array<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    block.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

pub(crate) fn u16_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(block, at))
}

pub(crate) fn u32_at(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(block, at))
}

pub(crate) fn u64_at(block: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(block, at))
}

pub(crate) fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}
