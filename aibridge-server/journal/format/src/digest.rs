//! The hash of payloads and of the chain of frames.

use std::fmt::{self, Debug, Display};
use uuid::Uuid;

/// A BLAKE3 hash of 32 bytes.
///
/// The hash is cryptographic because the chain is evidence: nobody can exchange a payload, or a frame in the middle,
/// without every later link changing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The hash of a payload.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The link before the first frame of a journal.
    #[must_use]
    pub fn genesis(journal: Uuid) -> Self {
        Self::of(journal.as_bytes())
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

/// Calculates a [`Digest`] piece by piece.
#[derive(Default)]
pub(crate) struct Digester(blake3::Hasher);

impl Digester {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}
