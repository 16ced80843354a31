//! Appending a frame.

use super::{CurrentState, Log, Preparation, Prepared};
use crate::options::Durability;
use crate::space::Reservation;
use aibridge_journal_format::{
    DiskFile, Frame, FrameHead, HEAD_BYTES, HEADER_BYTES, Segment, TRAILER_BYTES, frame_bytes,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Payloads up to this size are copied after their head, so that one write is enough.
const COPIED_AT_MOST: usize = 64 << 10;
/// The longest time until a removed file is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The reason that a frame was not appended. Nothing of it is left in the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// There is no room. Released frames make room.
    #[error("the journal is full: {used} of {max} bytes wait to be released, {reserved} are reserved")]
    Full {
        /// The bytes that are stored.
        used: u64,
        /// The bytes that starts may store.
        max: u64,
        /// The bytes that are reserved for ends.
        reserved: u64,
    },
    /// Too many bytes wait for the disk.
    #[error("{0} bytes wait for the disk, which is too slow or fails")]
    Unsynced(u64),
    /// The payload is too large.
    #[error("a payload of {0} bytes is larger than a frame can be")]
    TooLarge(usize),
    /// The file that grows, or its directory, was removed, moved or replaced.
    #[error("the file {0} of the journal was removed, moved or replaced; put it back, or restart")]
    Removed(String),
    /// The file system failed.
    #[error("cannot write to the journal: {0}")]
    Io(#[from] io::Error),
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// The purpose of a reservation of space.
#[derive(Debug)]
pub(crate) enum Admission<'a> {
    /// A start, with the number of bytes to reserve for its end.
    Start(u64),
    End(&'a Reservation),
}

/// The result of [`Log::append`].
#[derive(Debug)]
pub(crate) struct AppendedFrame {
    pub(crate) sequence: u64,
    /// The room that a start reserved; empty for other frames.
    pub(crate) reservation: Reservation,
}

/// The result of the last check that the current file still has its name.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) looked: quanta::Instant,
    pub(super) is_there: bool,
}

impl Log {
    /// Appends a frame, or leaves nothing of it behind. The payload may be in a prepared file already.
    pub(crate) fn append(
        &mut self,
        mut head: FrameHead,
        payload: bytes::Bytes,
        admission: &Admission<'_>,
        prepared: Option<Prepared>,
    ) -> Result<AppendedFrame, AppendError> {
        let admitted = self.check_location(false).and_then(|()| self.admit(head.frame_bytes(), admission));
        if let Err(error) = admitted {
            self.discard(prepared);
            return Err(error);
        }
        let written = match prepared {
            None => self.write_frame(&mut head, &payload),
            Some(prepared) => self.take_frame(&mut head, prepared),
        };
        self.is_failing = written.is_err();
        written?;
        let pinned = self.pinned();
        self.unsynced.add(head.frame_bytes());
        self.tail.push(Frame { head, payload }, pinned);
        let reserved = if let Admission::Start(end) = admission { *end } else { 0 };
        let reservation = self.space.reserve(reserved);
        Ok(AppendedFrame { sequence: head.sequence, reservation })
    }

    /// Checks that a large frame would be accepted, and returns the inputs for preparing a file for it.
    pub(crate) fn check_large(
        &mut self,
        bytes: u64,
        admission: &Admission<'_>,
    ) -> Result<Preparation, AppendError> {
        self.check_location(false)?;
        self.admit(bytes, admission)?;
        Ok(self.preparation())
    }

    /// Checks that a frame would be accepted now. After a failed write, it tries another write to the file.
    pub(crate) fn check(&mut self, bytes: u64, admission: &Admission<'_>) -> Result<(), AppendError> {
        self.check_location(true)?;
        self.admit(bytes, admission)?;
        if self.is_failing {
            self.ensure_current(bytes)?;
            // The bytes after the end are zero already, so this changes nothing.
            self.current.file.write_at(&[0; HEAD_BYTES], self.current.end)?;
            self.is_failing = false;
        }
        Ok(())
    }

    fn admit(&mut self, bytes: u64, admission: &Admission<'_>) -> Result<(), AppendError> {
        let used = self.used();
        let is_admitted = match admission {
            Admission::Start(end) => self.space.admits_start(used, bytes, *end),
            Admission::End(reservation) => self.space.admits_end(used, bytes, reservation),
        };
        if !is_admitted {
            let (max, reserved) = (self.space.max(), self.space.reserved());
            return Err(AppendError::Full { used, max, reserved });
        }
        let Admission::Start(end) = admission else { return Ok(()) };
        let unsynced = self.unsynced.bytes();
        if self.options.durability == Durability::Power && unsynced > self.options.max_unsynced_bytes {
            return Err(AppendError::Unsynced(unsynced));
        }
        // Reserved bytes need allocated disk space, too: a full disk then refuses starts, not ends.
        let wanted = bytes.saturating_add(*end).saturating_add(self.space.reserved());
        if self.free() < wanted && self.prepared.is_none() {
            self.prepare_now()?;
        }
        Ok(())
    }

    /// The number of bytes that fit into the current file.
    pub(super) fn free(&self) -> u64 {
        self.current.capacity.saturating_sub(self.current.end + TRAILER_BYTES as u64)
    }

    fn write_frame(&mut self, head: &mut FrameHead, payload: &[u8]) -> io::Result<()> {
        let bytes = frame_bytes(payload.len());
        self.ensure_current(bytes)?;
        head.sequence = self.next();
        head.previous = self.last.1;
        let offset = self.current.end;
        let (block, link) = head.encode(self.current.seed, offset);
        if let Err(error) = write(&*self.current.file, &mut self.buffer, &block, payload, offset) {
            self.undo_write();
            return Err(error);
        }
        self.current.end += bytes;
        self.current.stored.add(bytes);
        self.last = (head.sequence, link);
        self.extend_segment(head.sequence, offset);
        Ok(())
    }

    /// Makes the prepared file, which already contains the payload, the current one.
    fn take_frame(&mut self, head: &mut FrameHead, prepared: Prepared) -> io::Result<()> {
        if self.current.state == CurrentState::Unsyncable
            && let Err(error) = self.rewrite_unsynced()
        {
            self.discard(Some(prepared));
            return Err(error);
        }
        head.sequence = self.next();
        head.previous = self.last.1;
        let link = self.take_over_with(head, prepared)?;
        self.last = (head.sequence, link);
        self.extend_segment(head.sequence, HEADER_BYTES as u64);
        Ok(())
    }

    /// Removes the file of a frame that is refused.
    fn discard(&self, prepared: Option<Prepared>) {
        if let Some(prepared) = prepared {
            // The next start removes it otherwise.
            let _ = prepared.remove(&*self.disk);
        }
    }

    /// Makes sure that the current file is intact and has room for a frame of `bytes` bytes. If not, another file takes
    /// over.
    pub(crate) fn ensure_current(&mut self, bytes: u64) -> io::Result<()> {
        if self.current.state == CurrentState::Unsyncable {
            self.rewrite_unsynced()?;
        }
        let fits = bytes <= self.free() || self.current.end == HEADER_BYTES as u64;
        if fits && self.current.state == CurrentState::Intact { Ok(()) } else { self.rotate() }
    }

    fn extend_segment(&mut self, sequence: u64, offset: u64) {
        match self.segments.back_mut() {
            Some(last) if Arc::ptr_eq(&last.file, &self.current.stored) => last.to = sequence,
            _ => self.segments.push_back(Segment {
                file: Arc::clone(&self.current.stored),
                offset,
                from: sequence,
                to: sequence,
            }),
        }
    }

    /// Removes what a failed write left after the end, durably: a power loss must not complete it with a part of the frame
    /// that is written there next.
    fn undo_write(&mut self) {
        let file = &self.current.file;
        let (end, len) = (self.current.end, self.current.end.max(self.current.capacity));
        let undone = file.set_len(end).and_then(|()| file.allocate(len).or_else(|_| file.set_len(len)));
        if undone.is_err() {
            self.current.state = CurrentState::Torn;
        } else if file.sync_data().is_err() {
            self.sync_failed();
        }
    }

    /// Checks that the name of the current file still leads to it. Without `now`, uses a result of the last [`LOOK_EVERY`].
    pub(crate) fn check_location(&mut self, now: bool) -> Result<(), AppendError> {
        if self.is_closed {
            return Err(AppendError::Closed);
        }
        let time = self.options.clock.now();
        if now || time.duration_since(self.location.looked) >= LOOK_EVERY {
            let (expected, found) =
                (self.current.file.identity(), self.disk.identity(&self.current.stored.name));
            let is_there = matches!((expected, found), (Ok(expected), Ok(Some(found))) if expected == found);
            self.location = Location { looked: time, is_there };
        }
        if self.location.is_there {
            Ok(())
        } else {
            Err(AppendError::Removed(self.current.stored.name.clone()))
        }
    }
}

/// Writes a head and its payload with one call, unless the payload is large.
pub(super) fn write(
    file: &dyn DiskFile,
    buffer: &mut Vec<u8>,
    head: &[u8],
    payload: &[u8],
    offset: u64,
) -> io::Result<()> {
    if payload.len() > COPIED_AT_MOST {
        file.write_at(payload, offset + head.len() as u64)?;
        return file.write_at(head, offset);
    }
    buffer.clear();
    buffer.extend_from_slice(head);
    buffer.extend_from_slice(payload);
    file.write_at(buffer, offset)
}
