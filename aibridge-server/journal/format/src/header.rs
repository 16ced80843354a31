//! The first and the last block of a file, and its name.

use crate::digest::Digest;
use crate::layout::{Seed, array, put, u32_at, u64_at};
use uuid::Uuid;

/// The format that this version writes, and the only one that it reads.
const VERSION: u32 = 1;
/// The bytes of a [`Header`] at the start of a file.
pub const HEADER_BYTES: usize = 128;
/// The bytes of a [`Trailer`] after the last frame.
pub const TRAILER_BYTES: usize = 56;
const TRAILER_MAGIC: [u8; 4] = [0xa7, 0x1b, 0xf5, 0xe0];

/// The suffix of a file that is prepared for a takeover and holds no readable frame yet.
pub const PREPARED: &str = ".prepared";

/// The text that the names of files that are kept aside contain.
pub const DAMAGED: &str = ".damaged";

/// Numbers from here on are not those of a journal, so there is room for higher ones.
const MAX_NAMED: u64 = 1 << 62;

const MAGIC: [u8; 8] = *b"frames\r\n";
const CHECKED_FROM: usize = 12;
const SUFFIX: &str = ".journal";

/// The content of a file's name: its first sequence number and its generation.
///
/// Every new file has a higher generation than all before it. A file that took over after a failed write or sync begins
/// with sequence numbers that an earlier file may hold as well; the higher generation then holds the valid frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The lowest sequence number that a frame of the file may have.
    pub first: u64,
    /// The number of files that the journal had before.
    pub generation: u64,
}

impl FileName {
    /// Reads a name; `None` if the journal does not give it to a file.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (first, generation) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let parsed = Self { first: first.parse().ok()?, generation: generation.parse().ok()? };
        (parsed.name() == name && is_sequence(parsed.first)).then_some(parsed)
    }

    /// The highest numbers in the names of files, also of those that are damaged or were kept aside: none of them is used
    /// again, so no file replaces another one. Numbers that no journal reaches are ignored.
    pub(crate) fn highest<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let original = |name: &'a str| name.split_once(DAMAGED).map_or(name, |(name, _)| name);
        let parsed = names.filter_map(|name| Self::parse(original(name)));
        let possible = parsed.filter(|name| name.first < MAX_NAMED && name.generation < MAX_NAMED);
        possible.fold(Self { first: 0, generation: 0 }, |highest, name| Self {
            first: highest.first.max(name.first),
            generation: highest.generation.max(name.generation),
        })
    }

    /// The name as text, as the directory contains it.
    #[must_use]
    pub fn name(self) -> String {
        format!("{:020}-{:010}{SUFFIX}", self.first, self.generation)
    }
}

/// The first block of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The id of the journal that the file belongs to.
    pub journal: Uuid,
    /// The name that the file was created with.
    pub name: FileName,
    /// The sequence number and the link of the frame before the first one of this file. 0 if there was none.
    pub previous: (u64, Digest),
    /// The length of the file in bytes when it became the current one. It is cut only after its trailer was written.
    pub allocated: u64,
}

/// Whether a frame may have this sequence number: 0 is before the first one, and a database's `bigint` has a sign.
pub(crate) const fn is_sequence(sequence: u64) -> bool {
    sequence > 0 && sequence <= i64::MAX as u64
}

/// The reason that a block is not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The checksum or a value is wrong.
    Damaged,
    /// It is the intact header of a format that this version cannot read.
    Version(u32),
}

impl Header {
    /// The seed of the checksums in the file.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed::new(self.journal, self.name.generation)
    }

    /// The bytes of the header at the start of the file.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut block = [0; HEADER_BYTES];
        put(&mut block, 0, &MAGIC);
        put(&mut block, 12, &VERSION.to_le_bytes());
        put(&mut block, 16, self.journal.as_bytes());
        put(&mut block, 32, &self.name.generation.to_le_bytes());
        put(&mut block, 40, &self.name.first.to_le_bytes());
        put(&mut block, 48, &self.previous.0.to_le_bytes());
        put(&mut block, 56, &self.previous.1.0);
        put(&mut block, 88, &self.allocated.to_le_bytes());
        let checksum = crc32c::crc32c(&block[CHECKED_FROM..]);
        put(&mut block, 8, &checksum.to_le_bytes());
        block
    }

    /// Reads a header from the first bytes of a file.
    ///
    /// # Errors
    ///
    /// The reason that they are no header.
    pub fn decode(block: &[u8]) -> Result<Self, HeaderError> {
        let block = block.get(..HEADER_BYTES).ok_or(HeaderError::Damaged)?;
        if !block.starts_with(&MAGIC) || u32_at(block, 8) != crc32c::crc32c(&block[CHECKED_FROM..]) {
            return Err(HeaderError::Damaged);
        }
        match u32_at(block, 12) {
            VERSION if !is_sequence(u64_at(block, 40)) => Err(HeaderError::Damaged),
            VERSION => Ok(Self {
                journal: Uuid::from_bytes(array(block, 16)),
                name: FileName { generation: u64_at(block, 32), first: u64_at(block, 40) },
                previous: (u64_at(block, 48), Digest(array(block, 56))),
                allocated: u64_at(block, 88),
            }),
            version => Err(HeaderError::Version(version)),
        }
    }
}

/// The block after the last frame of a file that was finished in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// `true` if another file follows; `false` if the journal was closed.
    pub is_followed: bool,
    /// The sequence number and the link of the last frame.
    pub last: (u64, Digest),
}

impl Trailer {
    /// The bytes of the trailer at `offset` of the file that `seed` belongs to.
    #[must_use]
    pub fn encode(&self, seed: Seed, offset: u64) -> [u8; TRAILER_BYTES] {
        let mut block = [0; TRAILER_BYTES];
        put(&mut block, 0, &TRAILER_MAGIC);
        put(&mut block, 8, &u64::from(self.is_followed).to_le_bytes());
        put(&mut block, 16, &self.last.0.to_le_bytes());
        put(&mut block, 24, &self.last.1.0);
        let checksum = seed.checksum(offset, &block[8..]);
        put(&mut block, 4, &checksum.to_le_bytes());
        block
    }

    /// Reads a trailer. `None` if `block` is not one that was written at `offset` of the file that `seed` belongs to.
    #[must_use]
    pub fn decode(block: &[u8], seed: Seed, offset: u64) -> Option<Self> {
        let block = block.get(..TRAILER_BYTES)?;
        let is_trailer =
            block.starts_with(&TRAILER_MAGIC) && u32_at(block, 4) == seed.checksum(offset, &block[8..]);
        is_trailer.then(|| Self {
            is_followed: u64_at(block, 8) == 1,
            last: (u64_at(block, 16), Digest(array(block, 24))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            journal: Uuid::from_u128(5),
            name: FileName { first: 12, generation: 3 },
            previous: (11, Digest::of(b"11")),
            allocated: 4096,
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_found() {
        let block = header().encode();
        assert_eq!(Header::decode(&block), Ok(header()));
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = block;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped), Err(HeaderError::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut block = header().encode();
        put(&mut block, 12, &2u32.to_le_bytes());
        let checksum = crc32c::crc32c(&block[CHECKED_FROM..]);
        put(&mut block, 8, &checksum.to_le_bytes());
        assert_eq!(Header::decode(&block), Err(HeaderError::Version(2)));
    }

    #[test]
    fn only_names_that_are_written_are_read() {
        let name = header().name;
        assert_eq!(FileName::parse(&name.name()), Some(name));
        for other in ["1-1.journal", "identity", "00000000000000000012-0000000003.journal.damaged"] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
