//! One frame: a head of fixed size, then the payload.
//!
//! | offset | bytes | content |
//! | --- | --- | --- |
//! | 0 | 4 | magic |
//! | 4 | 4 | CRC-32C of the rest of the head, seeded with journal, file and offset |
//! | 8 | 4 | length of the payload |
//! | 12 | 2 | kind |
//! | 14 | 2 | zero |
//! | 16 | 8 | sequence number |
//! | 24 | 8 | time, microseconds since 1970 |
//! | 32 | 32 | link of the frame before |
//! | 64 | 32 | hash of the payload |
//!
//! The checksum protects the head, and the hash in the head protects the payload. The link of a frame is the hash of
//! its head without magic and checksum, so it depends on the payload's hash, but not on the payload: a payload can be
//! dropped and the chain still be verified.

use crate::digest::Digest;
use crate::header::is_sequence;
use crate::layout::{Seed, array, put, u16_at, u32_at, u64_at};
use bytes::Bytes;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const MAGIC: [u8; 4] = [0xa7, 0x1b, 0xf5, 0x4a];
/// The bytes of a head in a file.
pub const HEAD_BYTES: usize = 96;
const CHECKED_FROM: usize = 8;

/// The bytes of a frame in addition to its payload.
pub const FRAME_OVERHEAD: u64 = HEAD_BYTES as u64;

/// Everything about a frame but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// The position of the frame in the journal. It grows by one from frame to frame, and by more where the journal was
    /// opened again.
    pub sequence: u64,
    /// The kind of the payload, chosen by the caller. The journal does not interpret it.
    pub kind: u16,
    /// The time of the append, in microseconds since 1970.
    pub unix_micros: u64,
    /// The length of the payload in bytes.
    pub length: u32,
    /// The [link](Self::link) of the frame before.
    pub previous: Digest,
    /// The hash of the payload.
    pub payload_hash: Digest,
}

/// A frame that was read from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Everything but the payload.
    pub head: FrameHead,
    /// The payload, as it was appended.
    pub payload: Bytes,
}

impl FrameHead {
    /// The hash that the next frame holds as [`previous`](Self::previous). It is calculated without the payload.
    #[must_use]
    pub fn link(&self) -> Digest {
        Digest::of(&self.block()[CHECKED_FROM..])
    }

    /// The time of the append.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.unix_micros)
    }

    /// The bytes that the frame takes in a file.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.length as usize)
    }

    fn block(&self) -> [u8; HEAD_BYTES] {
        let mut block = [0; HEAD_BYTES];
        put(&mut block, 0, &MAGIC);
        put(&mut block, 8, &self.length.to_le_bytes());
        put(&mut block, 12, &self.kind.to_le_bytes());
        put(&mut block, 16, &self.sequence.to_le_bytes());
        put(&mut block, 24, &self.unix_micros.to_le_bytes());
        put(&mut block, 32, &self.previous.0);
        put(&mut block, 64, &self.payload_hash.0);
        block
    }

    /// The bytes of the head at `offset` of the file that `seed` belongs to, and the link of the frame.
    #[must_use]
    pub fn encode(&self, seed: Seed, offset: u64) -> ([u8; HEAD_BYTES], Digest) {
        let mut block = self.block();
        let checksum = seed.checksum(offset, &block[CHECKED_FROM..]);
        put(&mut block, 4, &checksum.to_le_bytes());
        (block, Digest::of(&block[CHECKED_FROM..]))
    }

    /// Reads a head from the first bytes of `block`. `None` if they are not a head that was written at `offset` of the
    /// file that `seed` belongs to.
    #[must_use]
    pub fn decode(block: &[u8], seed: Seed, offset: u64) -> Option<Self> {
        let block = block.get(..HEAD_BYTES)?;
        let is_head = block.starts_with(&MAGIC)
            && u32_at(block, 4) == seed.checksum(offset, &block[CHECKED_FROM..])
            && u16_at(block, 14) == 0
            && is_sequence(u64_at(block, 16));
        is_head.then(|| Self {
            length: u32_at(block, 8),
            kind: u16_at(block, 12),
            sequence: u64_at(block, 16),
            unix_micros: u64_at(block, 24),
            previous: Digest(array(block, 32)),
            payload_hash: Digest(array(block, 64)),
        })
    }
}

/// The bytes that a frame with `payload` bytes of payload takes in a file.
#[must_use]
pub const fn frame_bytes(payload: usize) -> u64 {
    FRAME_OVERHEAD + payload as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn head() -> FrameHead {
        FrameHead {
            sequence: 7,
            kind: 3,
            unix_micros: 1_700_000_000_000_000,
            length: 5,
            previous: Digest::of(b"before"),
            payload_hash: Digest::of(b"hello"),
        }
    }

    #[test]
    fn a_head_is_valid_only_in_its_journal_file_and_place() {
        let (journal, head) = (Uuid::from_u128(1), head());
        let (block, link) = head.encode(Seed::new(journal, 4), 128);
        assert_eq!(FrameHead::decode(&block, Seed::new(journal, 4), 128), Some(head));
        assert_eq!(head.link(), link);
        assert_eq!(FrameHead::decode(&block, Seed::new(journal, 4), 129), None);
        assert_eq!(FrameHead::decode(&block, Seed::new(journal, 5), 128), None);
        assert_eq!(FrameHead::decode(&block, Seed::new(Uuid::from_u128(2), 4), 128), None);
    }

    #[test]
    fn every_flipped_bit_of_a_head_is_found() {
        let seed = Seed::new(Uuid::from_u128(1), 4);
        let (block, _) = head().encode(seed, 128);
        for bit in 0..HEAD_BYTES * 8 {
            let mut flipped = block;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHead::decode(&flipped, seed, 128), None, "bit {bit}");
        }
    }

    #[test]
    fn the_chain_is_verified_without_payloads() {
        let heads: Vec<FrameHead> = (0..3u64)
            .scan(Digest::genesis(Uuid::from_u128(1)), |previous, sequence| {
                let head = FrameHead { sequence, previous: *previous, ..head() };
                *previous = head.link();
                Some(head)
            })
            .collect();
        assert!(heads.windows(2).all(|pair| pair[1].previous == pair[0].link()));
        let changed = FrameHead { payload_hash: Digest::of(b"other"), ..heads[1] };
        assert_ne!(heads[2].previous, changed.link());
    }
}
