//! Opens a journal: takes the lock, recovers, cuts a torn frame and begins a new file.

use crate::log::{self, Finish, Log, Start};
use crate::options::Options;
use crate::shared::{Shared, SyncState};
use aibridge_journal_format::{
    Digest, Disk, IDENTITY, IDENTITY_NEW, Identity, NewestFile, OpenError, PREPARED, Recovery,
    first_of_epoch, recover,
};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// The number of zero bytes that are written at once.
const ZEROS: usize = 64 << 10;

/// Takes the directory, recovers, and begins a new file.
pub(super) fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Shared, Recovery), OpenError> {
    let lock = disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked,
        _ => OpenError::Io { file: "the lock".to_owned(), error },
    })?;
    let recovered = recover(&*disk)?;
    remove_leftovers(&*disk).map_err(OpenError::io("the directory"))?;
    let epoch = recovered.identity.epoch + 1;
    let first = first_of_epoch(epoch);
    if let Some(newest) = &recovered.newest {
        cut(&*disk, newest).map_err(OpenError::io(&newest.file.name))?;
    }
    let journal = recovered.identity.journal;
    let (durability, maintenance) = (options.durability, options.maintenance);
    let start = Start {
        journal,
        first,
        last: recovered.last,
        generation: recovered.generation,
        segments: recovered.segments,
        files: recovered.files,
    };
    let log = Log::start(Arc::clone(&disk), options, start).map_err(OpenError::io("a new file"))?;
    write_epoch(&*disk, &recovered.identity, epoch, recovered.has_damaged_identity)
        .map_err(OpenError::io(IDENTITY))?;
    if let Some(newest) = &recovered.newest {
        // Optional: the header of the new file contains the same values as the trailer.
        let _ = follow(&*disk, newest, recovered.last);
    }
    let shared = Shared {
        journal,
        durability,
        maintenance,
        log: Mutex::new(log),
        disk,
        counters: crate::stats::Counters::default(),
        appended: Notify::new(),
        synced: watch::Sender::new(SyncState { through: first - 1, ..SyncState::default() }),
        tasks: crate::shared::Tasks::default(),
        turn: Mutex::new(()),
        _lock: lock,
    };
    // Removes files with no frame left to read. Each later release tries again.
    let _ = shared.release(0);
    Ok((shared, recovered.report))
}

/// Removes files that an earlier process prepared or wrote, but did not rename to their final names.
fn remove_leftovers(disk: &dyn Disk) -> io::Result<()> {
    let names = disk.list()?;
    let mut leftovers = names.iter().filter(|name| name.ends_with(PREPARED) || *name == IDENTITY_NEW);
    leftovers.try_for_each(|name| disk.remove(name))
}

/// Writes the epoch down, after its first file is durable.
fn write_epoch(disk: &dyn Disk, identity: &Identity, epoch: u64, is_damaged: bool) -> io::Result<()> {
    if is_damaged {
        log::set_aside(disk, IDENTITY)?;
    }
    Identity { epoch, ..*identity }.write(disk)
}

/// Overwrites a torn frame by zeros.
fn cut(disk: &dyn Disk, newest: &NewestFile) -> io::Result<()> {
    if newest.torn_end == newest.end {
        return Ok(());
    }
    let file = disk.open(&newest.file.name)?;
    let mut offset = newest.end;
    while offset < newest.torn_end {
        let len = usize::try_from(newest.torn_end - offset).unwrap_or(ZEROS).min(ZEROS);
        file.write_at(&vec![0; len], offset)?;
        offset += len as u64;
    }
    file.sync_data()
}

/// Writes the trailer of the file that was the last one until now.
fn follow(disk: &dyn Disk, newest: &NewestFile, last: (u64, Digest)) -> io::Result<()> {
    let file = disk.open(&newest.file.name)?;
    Finish { file, seed: newest.file.seed, end: newest.end, last, is_followed: true }.run()
}
