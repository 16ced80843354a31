//! Reads a file in pieces, and skips sectors that cannot be read.

use crate::digest::{Digest, Digester};
use crate::disk::DiskFile;
use std::io;
use std::ops::Range;

const PIECE: usize = 256 << 10;
/// The bytes that are skipped where the disk cannot read.
const SECTOR: usize = 4096;

/// The bytes of a file, a piece at a time.
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    len: u64,
    buffer: Vec<u8>,
    start: u64,
    /// The ranges that the disk could not read. They read as zeros.
    pub(crate) unreadable: Vec<Range<u64>>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, len, buffer: Vec::new(), start: 0, unreadable: Vec::new() })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes from `offset` on, at most `most` and at most a piece of them; fewer only at the end of the file.
    pub(crate) fn at(&mut self, offset: u64, most: usize) -> &[u8] {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = most.min(PIECE).min(left);
        let end = self.start + self.buffer.len() as u64;
        if offset < self.start || offset + wanted as u64 > end {
            self.fill(offset, left.min(PIECE));
        }
        let from = usize::try_from(offset - self.start).unwrap_or(0);
        &self.buffer[from..from + wanted]
    }

    fn fill(&mut self, offset: u64, len: usize) {
        self.start = offset;
        self.buffer.clear();
        self.buffer.resize(len, 0);
        if matches!(self.file.read_at(&mut self.buffer, offset), Ok(read) if read == len) {
            return;
        }
        for from in (0..len).step_by(SECTOR) {
            let sector = &mut self.buffer[from..len.min(from + SECTOR)];
            let wanted = sector.len();
            if !matches!(self.file.read_at(sector, offset + from as u64), Ok(read) if read == wanted) {
                sector.fill(0);
                let start = offset + from as u64;
                self.unreadable.push(start..start + wanted as u64);
            }
        }
    }

    /// The hash of the bytes in `range`.
    pub(crate) fn digest(&mut self, range: Range<u64>) -> Digest {
        let (mut digester, mut offset) = (Digester::default(), range.start);
        while offset < range.end {
            let wanted = usize::try_from(range.end - offset).unwrap_or(PIECE);
            let bytes = self.at(offset, wanted);
            if bytes.is_empty() {
                break;
            }
            digester.update(bytes);
            offset += bytes.len() as u64;
        }
        digester.finish()
    }

    /// The offset after the last nonzero byte from `offset` on; `None` if all are zero.
    pub(crate) fn content_end(&mut self, mut offset: u64) -> Option<u64> {
        let mut end = None;
        while offset < self.len {
            let bytes = self.at(offset, PIECE);
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                end = Some(offset + last as u64 + 1);
            }
            offset += bytes.len() as u64;
        }
        end
    }

    /// The offset of the next `needle` from `offset` on.
    pub(crate) fn find(&mut self, mut offset: u64, needle: &[u8]) -> Option<u64> {
        loop {
            let bytes = self.at(offset, PIECE);
            if bytes.len() < needle.len() {
                return None;
            }
            if let Some(found) = memchr::memmem::find(bytes, needle) {
                return Some(offset + found as u64);
            }
            offset += (bytes.len() - needle.len() + 1) as u64;
        }
    }
}
