//! Finds the valid frames of one file, and the invalid bytes between them.

use crate::digest::Digest;
use crate::disk::DiskFile;
use crate::frame::{FrameHead, HEAD_BYTES, MAGIC};
use crate::header::{FileName, HEADER_BYTES, Header, HeaderError, TRAILER_BYTES, Trailer};
use crate::layout::Seed;
use crate::window::Window;
use std::io;
use std::ops::Range;
use uuid::Uuid;

/// The common start of the magics of frames and trailers.
const MARK: &[u8] = &[MAGIC[0], MAGIC[1], MAGIC[2]];

/// Valid frames without a gap between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The range from the first byte of the first frame to the end of the last one.
    pub bytes: Range<u64>,
    /// The sequence number of the first frame.
    pub first: u64,
    /// The sequence number of the last frame.
    pub last: u64,
    /// The link to the frame before, as the first frame contains it.
    pub previous: Digest,
    /// The link of the last frame.
    pub link: Digest,
}

/// The content of a file.
#[derive(Debug)]
pub struct Scan {
    /// The header, or the reason that there is none.
    pub header: Result<Header, HeaderError>,
    /// The valid frames, in the order of the sequence numbers.
    pub runs: Vec<Run>,
    /// Ranges before a valid frame that belong to no frame.
    pub bad: Vec<Range<u64>>,
    /// The range of nonzero bytes with no valid frame after them.
    pub tail: Option<Range<u64>>,
    /// The trailer, if the file was finished in an orderly way.
    pub trailer: Option<Trailer>,
    /// The offset at which the last valid frame or trailer ends.
    pub end: u64,
    /// The length of the file in bytes.
    pub len: u64,
    /// The seed of the checksums in the file.
    pub seed: Seed,
}

/// A valid block at one offset of a file.
enum Block {
    Frame(FrameHead),
    Trailer(Trailer),
}

/// Reads the header of a file.
pub(crate) fn header(file: &dyn DiskFile) -> io::Result<Result<Header, HeaderError>> {
    let mut window = Window::new(file)?;
    Ok(Header::decode(window.at(0, HEADER_BYTES)))
}

/// Reads a whole file of `journal`. If its header is damaged, `name` replaces it.
///
/// # Errors
///
/// If the length of the file cannot be read. What the disk cannot read is among the [bad](Scan::bad) bytes.
pub fn scan(file: &dyn DiskFile, journal: Uuid, name: FileName) -> io::Result<Scan> {
    let mut window = Window::new(file)?;
    let header = Header::decode(window.at(0, HEADER_BYTES));
    let name = header.map_or(name, |header| header.name);
    let mut scanner = Scanner {
        scan: Scan {
            header,
            runs: Vec::new(),
            bad: Vec::new(),
            tail: None,
            trailer: None,
            end: HEADER_BYTES as u64,
            len: window.len(),
            seed: Seed::new(journal, name.generation),
        },
        lowest: name.first,
        window,
    };
    scanner.run();
    let Scanner { mut scan, window, .. } = scanner;
    scan.bad.extend(window.unreadable);
    Ok(scan)
}

struct Scanner<'a> {
    window: Window<'a>,
    scan: Scan,
    /// The lowest sequence number that the next frame may have.
    lowest: u64,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.scan.end < self.scan.len {
            let end = self.scan.end;
            if let Some(block) = self.valid_at(end) {
                self.accept(end, &block);
            } else if let Some((offset, block)) = self.next_valid(end + 1) {
                self.scan.bad.push(end..offset);
                self.accept(offset, &block);
            } else {
                self.scan.tail = self.window.content_end(end).map(|content| end..content);
                break;
            }
        }
    }

    fn next_valid(&mut self, mut offset: u64) -> Option<(u64, Block)> {
        loop {
            let found = self.window.find(offset, MARK)?;
            if let Some(block) = self.valid_at(found) {
                return Some((found, block));
            }
            offset = found + 1;
        }
    }

    fn valid_at(&mut self, offset: u64) -> Option<Block> {
        let seed = self.scan.seed;
        let block = self.window.at(offset, HEAD_BYTES);
        if let Some(trailer) = Trailer::decode(block, seed, offset) {
            return Some(Block::Trailer(trailer));
        }
        let head = FrameHead::decode(block, seed, offset)?;
        let end = offset + head.frame_bytes();
        let is_valid = head.sequence >= self.lowest
            && end <= self.scan.len
            && self.window.digest(offset + HEAD_BYTES as u64..end) == head.payload_hash;
        is_valid.then_some(Block::Frame(head))
    }

    fn accept(&mut self, offset: u64, block: &Block) {
        let head = match block {
            Block::Trailer(trailer) => {
                self.scan.trailer = Some(*trailer);
                self.scan.end = offset + TRAILER_BYTES as u64;
                return;
            }
            Block::Frame(head) => head,
        };
        self.scan.end = offset + head.frame_bytes();
        self.lowest = head.sequence.saturating_add(1);
        match self.scan.runs.last_mut() {
            Some(run)
                if run.bytes.end == offset
                    && run.last.checked_add(1) == Some(head.sequence)
                    && run.link == head.previous =>
            {
                run.bytes.end = self.scan.end;
                run.last = head.sequence;
                run.link = head.link();
            }
            _ => self.scan.runs.push(Run {
                bytes: offset..self.scan.end,
                first: head.sequence,
                last: head.sequence,
                previous: head.previous,
                link: head.link(),
            }),
        }
    }
}
