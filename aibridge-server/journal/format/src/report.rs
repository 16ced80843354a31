//! The report of a recovery.

use std::fmt::{self, Display};
use std::ops::{Range, RangeInclusive};
use uuid::Uuid;

/// The most damages that are listed. Further ones are only counted.
const NAMED_DAMAGES: usize = 1000;

/// The report of a recovery: the state of a journal's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The id of the journal, which it keeps for as long as its directory exists.
    pub journal: Uuid,
    /// Whether the directory held no journal.
    pub is_new: bool,
    /// `true` if the journal was closed; `false` if its process died.
    pub was_closed: bool,
    /// The sequence numbers of the first and the last frame that can be read. `None` if there are none.
    pub frames: Option<RangeInclusive<u64>>,
    /// The sequence number of the frame before the first one, which was released: a reader whose position is lower
    /// missed frames.
    pub follows: u64,
    /// An append that the process did not finish. It was not acknowledged, and is cut.
    pub torn: Option<TornFrame>,
    /// The damages, at most 1000.
    pub damage: Vec<Damage>,
    /// The number of damages that `damage` does not list.
    pub more_damage: u64,
}

/// The torn end of the last file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornFrame {
    /// The name of the file.
    pub file: String,
    /// The bytes that are cut.
    pub bytes: Range<u64>,
}

/// A defect in the directory. The file is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The name of the file in which it was found.
    pub file: String,
    /// The kind of the defect.
    pub fault: Fault,
}

/// The kind of a [`Damage`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file that identifies the journal is damaged, or missing beside frames.
    Identity,
    /// The first block of the file is damaged. Its frames are read all the same.
    Header,
    /// These bytes are not a valid frame.
    Bytes(Range<u64>),
    /// The file is shorter than it was.
    Truncated {
        /// The length in bytes that it had at least.
        expected: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// The file had this name when it was written.
    Misnamed(String),
    /// The file is a copy of another file of the journal.
    Duplicate,
    /// The file belongs to this other journal.
    Foreign(Uuid),
    /// The file has a name that the journal does not give. It is left alone.
    Unknown,
    /// Frames with these sequence numbers existed and cannot be read.
    Missing(RangeInclusive<u64>),
    /// The files that followed this one, up to the last, are missing.
    NextFile,
    /// The frame with this sequence number does not follow the one before: one of them was exchanged.
    Chain(u64),
}

impl Recovery {
    /// The number of lost sequence numbers, as a lower bound: the numbers in a lost last file are unknown.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let missing = self.damage.iter().map(|damage| match &damage.fault {
            Fault::Missing(sequences) => sequences.end() - sequences.start() + 1,
            _ => 0,
        });
        missing.fold(0, u64::saturating_add)
    }

    /// The number of all damages, listed or not.
    #[must_use]
    pub fn damages(&self) -> u64 {
        self.damage.len() as u64 + self.more_damage
    }

    pub(crate) fn push(&mut self, file: &str, fault: Fault) {
        if self.damage.len() < NAMED_DAMAGES {
            self.damage.push(Damage { file: file.to_owned(), fault });
        } else {
            self.more_damage += 1;
        }
    }
}

impl Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, fault } = self;
        match fault {
            Fault::Identity => write!(formatter, "{file}: the identity of the journal is damaged or missing"),
            Fault::Header => write!(formatter, "{file}: the header is damaged"),
            Fault::Bytes(bytes) => {
                write!(formatter, "{file}: bytes {} to {} are no valid frame", bytes.start, bytes.end)
            }
            Fault::Truncated { expected, found } => {
                write!(formatter, "{file}: has {found} bytes and had at least {expected}")
            }
            Fault::Misnamed(name) => write!(formatter, "{file}: was {name} when it was written"),
            Fault::Duplicate => write!(formatter, "{file}: is a copy of another file"),
            Fault::Foreign(journal) => write!(formatter, "{file}: belongs to the journal {journal}"),
            Fault::Unknown => write!(formatter, "{file}: is not a file of the journal"),
            Fault::Missing(sequences) => {
                write!(formatter, "{file}: frames {} to {} are lost", sequences.start(), sequences.end())
            }
            Fault::NextFile => write!(formatter, "{file}: the files after it are missing"),
            Fault::Chain(sequence) => {
                write!(formatter, "{file}: frame {sequence} does not follow the frame before")
            }
        }
    }
}
