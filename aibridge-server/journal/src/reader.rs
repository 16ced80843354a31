//! Reads frames in order: from memory if the reader is close behind, else from the files.

use crate::shared::Shared;
use aibridge_journal_format::{
    Damage, Digest, DiskFile, Fault, Frame, FrameHead, HEAD_BYTES, Seed, Segment, StoredFile, scan,
};
use bytes::Bytes;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The bytes that are read from a file at once.
const PIECE: usize = 256 << 10;

/// Reads each frame once, in order. See [`Journal::reader`](crate::Journal::reader).
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The lowest sequence number that was not read.
    next: u64,
    cursor: Option<Cursor>,
}

/// The result of one call of [`Reader::read`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadBatch {
    /// The frames, in order.
    pub frames: Vec<Frame>,
    /// Damage that was found instead of frames. The reader goes on after it; the file is set aside, not removed, when its
    /// frames are released.
    pub damage: Vec<Damage>,
}

/// A position in a file.
#[derive(Debug)]
struct Cursor {
    stored: Arc<StoredFile>,
    file: Arc<dyn DiskFile>,
    offset: u64,
    /// Only frames from this sequence number on come from `offset` on.
    sequence: u64,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, after: u64) -> Self {
        Self { shared, next: after.saturating_add(1), cursor: None }
    }

    /// The frames that come next, at least one if there is one, and no more than `max_bytes` besides that. Nothing if all
    /// were read. Reads files, so it may block.
    ///
    /// # Errors
    ///
    /// The error of the file system. The next call tries again.
    pub fn read(&mut self, max_bytes: usize) -> io::Result<ReadBatch> {
        let shared = Arc::clone(&self.shared);
        let (segment, file) = {
            let log = shared.log.lock();
            if let Some(frames) = log.recent_frames(self.next) {
                let frames = take(frames, max_bytes);
                return Ok(self.advance(frames));
            }
            let Some(found) = log.segment(self.next) else { return Ok(ReadBatch::default()) };
            found
        };
        if self.cursor(&segment, file)?.is_none() {
            let sequences = self.next.max(segment.from)..=segment.to;
            return Ok(self.missing(&segment, sequences));
        }
        let mut frames = self.read_file(&segment, max_bytes)?;
        if frames.is_empty() {
            if let Some(missing) = self.skip_damage(&segment)? {
                return Ok(missing);
            }
            frames = self.read_file(&segment, max_bytes)?;
        }
        Ok(self.advance(frames))
    }

    /// Completes when a frame was appended since the last call. Frames may be there before it is called first.
    pub async fn appended(&self) {
        self.shared.appended.notified().await;
    }

    fn advance(&mut self, frames: Vec<Frame>) -> ReadBatch {
        if let Some(last) = frames.last() {
            self.next = last.head.sequence + 1;
        }
        ReadBatch { frames, damage: Vec::new() }
    }

    /// Makes sure that the cursor is in the file of the segment. `None` if the file is missing.
    fn cursor(&mut self, segment: &Segment, file: Option<Arc<dyn DiskFile>>) -> io::Result<Option<()>> {
        let is_here = |cursor: &Cursor| {
            Arc::ptr_eq(&cursor.stored, &segment.file)
                && cursor.offset >= segment.offset
                && cursor.sequence <= self.next.max(segment.from)
        };
        if self.cursor.as_ref().is_some_and(is_here) {
            return Ok(Some(()));
        }
        let file = match file.map_or_else(|| self.shared.disk.open(&segment.file.name), Ok) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let stored = Arc::clone(&segment.file);
        self.cursor = Some(Cursor { stored, file, offset: segment.offset, sequence: 0 });
        Ok(Some(()))
    }

    /// The valid frames of the segment from the cursor on.
    fn read_file(&mut self, segment: &Segment, max_bytes: usize) -> io::Result<Vec<Frame>> {
        let Some(cursor) = &mut self.cursor else { return Ok(Vec::new()) };
        let mut piece = Piece { file: &*cursor.file, start: 0, bytes: Bytes::new() };
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while cursor.sequence <= segment.to {
            let Some(head) = piece.head(cursor.offset, segment.file.seed)? else { break };
            let is_wanted = head.sequence >= self.next.max(segment.from) && head.sequence <= segment.to;
            if is_wanted {
                bytes += head.length as usize;
                if bytes > max_bytes && !frames.is_empty() {
                    break;
                }
                let Some(payload) = piece.payload(cursor.offset, &head)? else { break };
                frames.push(Frame { head, payload });
            }
            cursor.offset += head.frame_bytes();
            cursor.sequence = head.sequence + 1;
        }
        Ok(frames)
    }

    /// Moves to the next valid frame of a segment that has become damaged since it was recovered or written. Returns what
    /// is missing before that frame, and `None` if nothing is.
    fn skip_damage(&mut self, segment: &Segment) -> io::Result<Option<ReadBatch>> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let wanted = self.next.max(segment.from);
        let scan = scan(&*cursor.file, self.shared.journal, segment.file.file_name)?;
        let run = scan.runs.iter().find(|run| run.last >= wanted && run.first <= segment.to);
        let Some(run) = run else {
            self.cursor = None;
            return Ok(Some(self.missing(segment, wanted..=segment.to)));
        };
        (cursor.offset, cursor.sequence) = (run.bytes.start, run.first);
        let before = wanted..=run.first - 1;
        Ok((!before.is_empty()).then(|| self.missing(segment, before)))
    }

    fn missing(&mut self, segment: &Segment, sequences: RangeInclusive<u64>) -> ReadBatch {
        segment.file.set_damaged();
        self.next = sequences.end() + 1;
        let damage = Damage { file: segment.file.name.clone(), fault: Fault::Missing(sequences) };
        ReadBatch { frames: Vec::new(), damage: vec![damage] }
    }
}

/// A part of a file in memory.
struct Piece<'a> {
    file: &'a dyn DiskFile,
    start: u64,
    bytes: Bytes,
}

impl Piece<'_> {
    fn head(&mut self, offset: u64, seed: Seed) -> io::Result<Option<FrameHead>> {
        Ok(FrameHead::decode(&self.at(offset, HEAD_BYTES)?, seed, offset))
    }

    /// `None` if it is not the payload that the head belongs to.
    fn payload(&mut self, offset: u64, head: &FrameHead) -> io::Result<Option<Bytes>> {
        let payload = self.at(offset + HEAD_BYTES as u64, head.length as usize)?;
        let is_valid = Digest::of(&payload) == head.payload_hash;
        // Small payloads are copied, because a slice would keep the whole piece in memory.
        Ok(is_valid.then(|| if payload.len() < PIECE { Bytes::copy_from_slice(&payload) } else { payload }))
    }

    /// `len` bytes, fewer at the end of the file.
    fn at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        let end = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + len as u64 > end {
            let mut bytes = vec![0; len.max(PIECE)];
            let read = self.file.read_at(&mut bytes, offset)?;
            bytes.truncate(read);
            (self.start, self.bytes) = (offset, bytes.into());
        }
        let from = usize::try_from(offset - self.start).unwrap_or(0);
        Ok(self.bytes.slice(from..self.bytes.len().min(from + len)))
    }
}

fn take<'a>(frames: impl Iterator<Item = &'a Frame>, max_bytes: usize) -> Vec<Frame> {
    let mut bytes = 0;
    let fitting = frames.take_while(|frame| {
        let is_first = bytes == 0;
        bytes += frame.payload.len().max(1);
        is_first || bytes <= max_bytes
    });
    fitting.cloned().collect()
}
