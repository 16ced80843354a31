//! An append-only local journal: frames in files, durable before they are acknowledged.
//!
//! A program that must not lose what it has promised to store appends it here first. An append costs one write on the
//! caller's own thread. The final destination (a database, another machine) may be slow or unavailable meanwhile. The
//! journal stores bytes of any kind, and does not interpret them.
//!
//! ```
//! use aibridge_journal::{Journal, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let (journal, recovery) = Journal::open(directory.path().join("journal"), Options::default())?;
//! for damage in &recovery.damage {
//!     eprintln!("{damage}");
//! }
//!
//! // The start of an operation reserves room for its end.
//! let (_, mut reservation) = journal.append_start(1, "begins".into(), 1000)?;
//! journal.append_end(2, "ends".into(), &mut reservation)?;
//!
//! // A reader applies the frames elsewhere, and releases what it has applied.
//! let mut reader = journal.reader(0);
//! let frames = reader.read(1 << 20)?.frames;
//! assert_eq!(frames.iter().map(|frame| frame.head.kind).collect::<Vec<_>>(), [1, 2]);
//! journal.release(frames[1].head.sequence)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - **An accepted frame survives the death of the process.** When [`Journal::append`] returns, the operating system has
//!   the frame. When [`Journal::durable`] returns with [`Durability::Power`], the disk has it; all who wait share a sync.
//! - **A refused frame leaves nothing behind.** A failed write is undone, or another file takes over.
//! - **A file is not synced again after a failed sync**, because the operating system may have dropped what it could not
//!   write. Another file takes over, and what was not durable is written to it from memory.
//! - **An end has its room.** [`Journal::append_start`] reserves it in a part of the journal that starts cannot use.
//! - **Sequence numbers grow, and none is used twice**, also if a power loss takes frames from the end that a reader has
//!   seen: each time the journal is opened, numbers begin higher. So a reader may remember the last number that it
//!   applied, and skip what is not above.
//! - **Damage is found, named and survived.** Every flipped bit, cut, swapped, copied or missing file shows up in
//!   [`Recovery`]; what is intact is read. Only a torn frame at the end of the last file is cut, because it was never
//!   accepted. Other damaged files are kept aside.
//! - **The chain can be verified without payloads**: see [`FrameHead::link`].
//!
//! # What is not
//!
//! A refused frame can reappear if undoing its write failed, too, and the process died before another write. A last file
//! that is cut exactly as a crash would cut it is not reported as damaged. A process that can write to the directory can
//! forge a whole journal: the hashes prove an exchange of frames only to a reader that has kept a link.
//!
//! # Where things are
//!
//! `journal` is the interface, `log` writes, `reader` reads, `space` counts. The crate `aibridge-journal-format` contains the
//! format of the files, the recovery of a directory, and [`Disk`], the file system, which tests replace.

mod journal;
mod log;
mod options;
mod reader;
mod shared;
mod space;
mod stats;
mod tail;

pub use aibridge_journal_format::{
    Damage, Digest, Disk, DiskFile, FRAME_OVERHEAD, Fault, FileIdentity, Frame, FrameHead, Inspection,
    LocalDisk, OpenError, Peek, Recovery, TornFrame, inspect, peek,
};
pub use journal::Journal;
pub use log::AppendError;
pub use options::{Durability, Maintenance, Options};
pub use reader::{ReadBatch, Reader};
pub use shared::SyncError;
pub use space::Reservation;
pub use stats::{APPEND_BOUNDS_MICROS, Stats};
