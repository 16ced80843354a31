//! The directories of journals: opens the one of this process, and finds those of gateways that no longer run.

use crate::progress::Progress;
use aibridge_journal::{Fault, Journal, Maintenance, OpenError, Options, Recovery, peek};
use aibridge_store_core::{Durability, JournalOptions, StoreError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// Bytes in the journal that only the ends of accepted requests may use.
const RESERVE_BYTES: u64 = 256 << 20;

/// Size of the largest record: the largest request body, with room for escapes.
const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// Sizes of a file of the journal.
const FILE_BYTES: u64 = 64 << 20;
const SMALLEST_FILE_BYTES: u64 = 1 << 20;

/// The most gateways on one machine with the same directory in their settings.
const MAX_SIBLINGS: u32 = 16;

/// Attempts to lock the directory, and the pause between two: a command may be projecting the journal of an earlier
/// process.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The extension of a file in the spool of an earlier version.
pub(crate) const SPOOL_EXTENSION: &str = "spool";

/// An open journal, with what recovery found.
pub struct OpenJournal {
    /// The journal, with its directory locked.
    pub journal: Arc<Journal>,
    /// The directory of the journal.
    pub directory: PathBuf,
    /// The result of its recovery.
    pub recovery: Recovery,
}

/// Opens the journal of this process. If another gateway has the directory, this one uses one beside it: `<directory>-2`,
/// and so on.
///
/// With `is_alone`, no other gateway can have it: then a command has it for a moment, and this waits for it, at most a
/// second.
///
/// # Errors
///
/// [`StoreError::Open`], which names the directory and says what to do.
pub fn open(options: &JournalOptions, is_alone: bool) -> Result<OpenJournal, StoreError> {
    let durability = match options.durability {
        Durability::Power => aibridge_journal::Durability::Power,
        Durability::Process | Durability::Database => aibridge_journal::Durability::Process,
    };
    let file_bytes = (options.max_bytes / 8).clamp(SMALLEST_FILE_BYTES, FILE_BYTES);
    let frames = || Options { durability, file_bytes, max_bytes: options.max_bytes, ..base() };
    let mut tries = if is_alone { LOCK_TRIES } else { 0 };
    for directory in candidates(&options.directory) {
        loop {
            match Journal::open(&directory, frames()) {
                Ok((journal, recovery)) => return Ok(opened(journal, directory, recovery)),
                Err(OpenError::Locked) if tries > 0 => {
                    tries -= 1;
                    sleep(LOCK_PAUSE);
                }
                Err(OpenError::Locked) => break,
                Err(error) => return Err(open_error(&directory, &error)),
            }
        }
        tracing::warn!(journal = %directory.display(), "another gateway uses the journal; this one uses another beside it");
    }
    Err(open_error(&options.directory, &OpenError::Locked))
}

/// Opens the journals of gateways that no longer run, except the one in `own`. Their last records may not be in the
/// database yet.
pub fn leftovers(options: &JournalOptions, own: &Path) -> Vec<OpenJournal> {
    let others = candidates(&options.directory).filter(|directory| directory != own);
    others.filter_map(|directory| open_left(&directory).ok().flatten()).collect()
}

/// Opens a journal to project its remaining frames. `None` if there is no journal with frames.
///
/// # Errors
///
/// [`OpenError::Locked`] if a gateway uses it, and the other variants of [`OpenError`].
pub(crate) fn open_left(directory: &Path) -> Result<Option<OpenJournal>, OpenError> {
    let found = peek(directory);
    if matches!(found, Ok(None)) || matches!(&found, Ok(Some(found)) if found.last == 0) {
        return Ok(None);
    }
    let options = Options { maintenance: Maintenance::Manual, file_bytes: SMALLEST_FILE_BYTES, ..base() };
    let (journal, recovery) = Journal::open(directory, options)?;
    Ok(Some(opened(journal, directory.to_owned(), recovery)))
}

/// All directories that gateways with these settings use.
pub fn candidates(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let base = directory.as_os_str().to_owned();
    (1..=MAX_SIBLINGS).map(move |number| {
        let mut name: OsString = base.clone();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.into()
    })
}

/// Closes the journal at the end of the process, and logs what is left in it.
pub fn close(journal: &Journal, progress: &Progress) {
    let left = progress.stats().lag_records;
    if left > 0 {
        tracing::warn!(
            records = left,
            "records remain in the journal; the next start with this journal stores them"
        );
    }
    if let Err(error) = journal.close() {
        tracing::warn!(%error, "could not close the journal cleanly; nothing is lost");
    }
}

fn base() -> Options {
    Options { reserve_bytes: RESERVE_BYTES, max_payload_bytes: MAX_PAYLOAD_BYTES, ..Options::default() }
}

fn opened(journal: Journal, directory: PathBuf, mut recovery: Recovery) -> OpenJournal {
    let is_spool = |file: &str| Path::new(file).extension().is_some_and(|end| end == SPOOL_EXTENSION);
    recovery.damage.retain(|damage| damage.fault != Fault::Unknown || !is_spool(&damage.file));
    let shown = directory.display();
    if let Some(torn) = &recovery.torn {
        tracing::info!(
            journal = %shown, file = torn.file, bytes = torn.bytes.end - torn.bytes.start,
            "cut an interrupted append from the journal; it was never acknowledged"
        );
    }
    for damage in &recovery.damage {
        tracing::error!(journal = %shown, %damage, "the journal is damaged; what is intact is recorded, and the file is kept");
    }
    if recovery.more_damage > 0 {
        tracing::error!(journal = %shown, more = recovery.more_damage, "the journal has further damage");
    }
    OpenJournal { journal: Arc::new(journal), directory, recovery }
}

fn open_error(directory: &Path, error: &OpenError) -> StoreError {
    StoreError::Open {
        store: format!("{} (the journal)", directory.display()),
        problem: error.to_string(),
        advice: "make the directory writable for this user, on a disk with free space that outlives the process; store.journal names it with PostgreSQL, and with SQLite it is beside the database",
    }
}
