//! The files of a journal: their format, and how a directory is read back in any state.
//!
//! The journal itself, which appends frames and releases them, is `aibridge-journal`. This crate writes nothing but the
//! identity of a journal. It reads a directory after a crash, or while a process uses it:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let inspection = aibridge_journal_format::inspect(directory.path())?.ok_or("no directory")?;
//! for damage in &inspection.recovery.damage {
//!     eprintln!("{damage}");
//! }
//! assert!(inspection.recovery.is_new);
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! `frame`, `header`, `identity` and `digest` are the format. `scan` finds the valid frames of one file, `recover` reads a
//! directory and chooses a [`Segment`] for each sequence number, `report` lists the damage. `inspect` and `peek` read
//! without a lock. [`Disk`] is the file system, which tests replace.

mod digest;
mod disk;
mod frame;
mod header;
mod identity;
mod inspect;
mod layout;
mod peek;
mod recover;
mod report;
mod scan;
mod segment;
mod window;

pub use digest::Digest;
pub use disk::{Disk, DiskFile, FileIdentity, LocalDisk};
pub use frame::{FRAME_OVERHEAD, Frame, FrameHead, HEAD_BYTES, frame_bytes};
pub use header::{DAMAGED, FileName, HEADER_BYTES, Header, HeaderError, PREPARED, TRAILER_BYTES, Trailer};
pub use identity::{IDENTITY, IDENTITY_NEW, Identity, first_of_epoch};
pub use inspect::{Inspection, inspect};
pub use layout::Seed;
pub use peek::{Peek, peek};
pub use recover::{NewestFile, OpenError, RecoveredState, recover};
pub use report::{Damage, Fault, Recovery, TornFrame};
pub use scan::{Run, Scan, scan};
pub use segment::{Segment, StoredFile};
