//! Takeovers: another file becomes the current one, because that is full or failed.

use super::{Current, CurrentState, Log, Preparation, Prepared, Start, append};
use crate::options::Options;
use aibridge_journal_format::{
    Digest, Disk, DiskFile, FileName, FrameHead, HEAD_BYTES, HEADER_BYTES, Header, PREPARED, Seed, Segment,
    StoredFile, TRAILER_BYTES,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The smallest file that is prepared, in bytes. A smaller one is not worth its header and its sync.
const SMALLEST_FILE: u64 = 256 << 10;

/// Creates a file with allocated space. Its length is not durable yet.
pub(crate) fn prepare(disk: &dyn Disk, preparations: &AtomicU64, file_bytes: u64) -> io::Result<Prepared> {
    prepare_with(disk, preparations, file_bytes, &[])
}

/// Creates a file with allocated space that contains the payload of its first frame.
pub(crate) fn prepare_with(
    disk: &dyn Disk,
    preparations: &AtomicU64,
    file_bytes: u64,
    payload: &[u8],
) -> io::Result<Prepared> {
    let name = format!("{}{PREPARED}", preparations.fetch_add(1, Relaxed));
    let file = disk.create(&name)?;
    let offset = (HEADER_BYTES + HEAD_BYTES) as u64;
    let needed = offset + (payload.len() + TRAILER_BYTES) as u64;
    let mut filled = allocate(&*file, file_bytes, needed);
    if !payload.is_empty() {
        filled = filled.and_then(|bytes| file.write_at(payload, offset).map(|()| bytes));
    }
    match filled {
        Ok(bytes) => Ok(Prepared { name, file, bytes }),
        Err(error) => {
            // The incomplete file would take space that others need.
            let _ = disk.remove(&name);
            Err(error)
        }
    }
}

/// Allocates the space of a file, and returns the number of bytes. If files cannot be that large, or the disk is nearly
/// full, the file is smaller, but has at least `needed` bytes.
fn allocate(file: &dyn DiskFile, file_bytes: u64, needed: u64) -> io::Result<u64> {
    let mut bytes = file_bytes.max(needed);
    loop {
        let error = match file.allocate(bytes) {
            Ok(()) => return Ok(bytes),
            Err(error) => error,
        };
        let is_too_large = matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::StorageFull);
        let smaller = (bytes / 2).max(needed);
        if !is_too_large || smaller < SMALLEST_FILE || smaller == bytes {
            return Err(error);
        }
        bytes = smaller;
    }
}

/// The first file of a process. It is durable.
pub(super) fn first(
    disk: &dyn Disk,
    options: &Options,
    start: &Start,
    prepared: Prepared,
) -> io::Result<Current> {
    let name = FileName { first: start.first, generation: start.generation + 1 };
    let allocated = prepared.bytes.min(options.file_bytes);
    let header = Header { journal: start.journal, name, previous: start.last, allocated };
    let current = install(disk, prepared, &header, |_| Ok(HEADER_BYTES as u64))?;
    current.file.sync_data()?;
    disk.sync_directory()?;
    Ok(current)
}

/// Writes the header to the prepared file, then the frames that `fill` writes, and renames it last: recovery ignores the
/// file before.
fn install(
    disk: &dyn Disk,
    prepared: Prepared,
    header: &Header,
    fill: impl FnOnce(&dyn DiskFile) -> io::Result<u64>,
) -> io::Result<Current> {
    let Prepared { name, file, bytes } = prepared;
    let end = file.write_at(&header.encode(), 0).and_then(|()| fill(&*file)).and_then(|end| {
        disk.rename(&name, &header.name.name())?;
        Ok(end)
    });
    let end = end.inspect_err(|_| {
        let _ = disk.remove(&name);
    })?;
    let seed = header.seed();
    Ok(Current {
        stored: StoredFile::new(header.name.name(), seed, header.name, end, false),
        file,
        seed,
        generation: header.name.generation,
        end,
        capacity: bytes,
        released: 0,
        state: CurrentState::Intact,
    })
}

impl Log {
    /// Whether the next file should be prepared: the current one is half full, or could be by what is reserved.
    pub(crate) fn wants_preparation(&self) -> bool {
        let wanted = (self.current.capacity / 2).max(self.space.reserved());
        !self.is_closed && self.prepared.is_none() && self.free() < wanted
    }

    /// The inputs of [`prepare`].
    pub(crate) fn preparation(&self) -> Preparation {
        Preparation {
            disk: Arc::clone(&self.disk),
            numbers: Arc::clone(&self.preparations),
            file_bytes: self.options.file_bytes,
        }
    }

    /// Keeps a prepared file, or returns it if there is one already.
    pub(crate) fn keep_prepared(&mut self, prepared: Prepared) -> Option<Prepared> {
        if self.prepared.is_some() || self.is_closed {
            return Some(prepared);
        }
        self.prepared = Some(prepared);
        None
    }

    pub(crate) fn take_prepared(&mut self) -> Option<Prepared> {
        self.prepared.take()
    }

    pub(super) fn prepare_now(&mut self) -> io::Result<()> {
        if self.prepared.is_none() {
            self.prepared = Some(prepare(&*self.disk, &self.preparations, self.options.file_bytes)?);
        }
        Ok(())
    }

    /// The next file takes over, after the last frame.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let current = self.next_file(self.next(), self.last, |_| Ok(HEADER_BYTES as u64))?;
        self.replace(current);
        Ok(())
    }

    /// The next file takes over if the current one holds frames, all of which were released. Returns whether it did.
    pub(crate) fn rotate_if_released(&mut self) -> io::Result<bool> {
        let has_frames = self.current.end > HEADER_BYTES as u64;
        let is_released = self.current.released == self.current.stored.bytes();
        if !has_frames || !is_released || self.is_closed {
            return Ok(false);
        }
        self.rotate()?;
        Ok(true)
    }

    /// A file that holds the payload of the next frame takes over with that frame.
    pub(super) fn take_over_with(&mut self, head: &FrameHead, prepared: Prepared) -> io::Result<Digest> {
        let name = FileName { first: head.sequence, generation: self.current.generation + 1 };
        let header = self.header(name, self.last, prepared.bytes);
        let (block, link) = head.encode(header.seed(), HEADER_BYTES as u64);
        let current = install(&*self.disk, prepared, &header, |file| {
            file.write_at(&block, HEADER_BYTES as u64)?;
            Ok(HEADER_BYTES as u64 + head.frame_bytes())
        })?;
        self.replace(current);
        Ok(link)
    }

    fn replace(&mut self, current: Current) {
        let is_intact = self.current.state == CurrentState::Intact;
        let full = std::mem::replace(&mut self.current, current);
        self.unsynced.rotated(full.file.clone(), is_intact.then(|| full.finish(self.last)));
        self.files.push(full.stored);
        self.limit_waiting();
    }

    /// After a failed sync: a new file takes over, and all frames that were not synced and are in memory are written to
    /// it. Their numbers and links stay.
    pub(super) fn rewrite_unsynced(&mut self) -> io::Result<()> {
        let frames: Vec<_> = match self.tail.first_from(self.unsynced.through() + 1) {
            Some(first) => self.tail.from(first.head.sequence).into_iter().flatten().cloned().collect(),
            None => Vec::new(),
        };
        let Some(first) = frames.first().map(|frame| frame.head) else {
            self.rotate()?;
            self.unsynced.rewritten();
            return Ok(());
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let previous = (self.before(first.sequence), first.previous);
        let seed = Seed::new(self.journal, self.current.generation + 1);
        let current = self.next_file(first.sequence, previous, |file| {
            frames.iter().try_fold(HEADER_BYTES as u64, |offset, frame| {
                let (block, _) = frame.head.encode(seed, offset);
                append::write(file, &mut buffer, &block, &frame.payload, offset)?;
                Ok(offset + frame.head.frame_bytes())
            })
        });
        self.buffer = buffer;
        let failed = std::mem::replace(&mut self.current, current?);
        self.files.push(failed.stored);
        self.unsynced.rewritten();
        self.supersede(first.sequence);
        Ok(())
    }

    fn next_file(
        &mut self,
        first: u64,
        previous: (u64, Digest),
        fill: impl FnOnce(&dyn DiskFile) -> io::Result<u64>,
    ) -> io::Result<Current> {
        self.prepare_now()?;
        let Some(prepared) = self.prepared.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let name = FileName { first, generation: self.current.generation + 1 };
        let header = self.header(name, previous, prepared.bytes);
        install(&*self.disk, prepared, &header, fill)
    }

    /// The number of the frame before `sequence`: in this process, or the last one before it.
    fn before(&self, sequence: u64) -> u64 {
        if sequence > self.first { sequence - 1 } else { self.before_first }
    }

    /// Reads the frames from `first` on from the current file, and no longer from those before.
    fn supersede(&mut self, first: u64) {
        while let Some(segment) = self.segments.back_mut()
            && segment.to >= first
        {
            if segment.from >= first {
                self.segments.pop_back();
            } else {
                segment.to = first - 1;
            }
        }
        self.segments.push_back(Segment {
            file: Arc::clone(&self.current.stored),
            offset: HEADER_BYTES as u64,
            from: first,
            to: self.last.0,
        });
    }
}

impl Current {
    fn finish(&self, last: (u64, Digest)) -> super::sync::Finish {
        super::sync::Finish {
            file: Arc::clone(&self.file),
            seed: self.seed,
            end: self.end,
            last,
            is_followed: true,
        }
    }
}
