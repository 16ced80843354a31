//! The splitter: chunks in, events out.
//!
//! A server-sent event ends with a blank line; lines end with LF, CRLF or CR (WHATWG HTML §9.2.5). The splitter accepts
//! two more boundaries because servers need them: a `data` line that is a complete JSON value ends an event if the next
//! line begins another one, and in NDJSON every line is an event. A comment line between two events is an event of its
//! own.

use crate::boundary::{BoundaryScanner, EventEnd};
use crate::event::Event;
use bytes::{Buf, Bytes, BytesMut};

/// Splits chunks into [`Event`]s.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The start of an event whose end has not arrived.
    pending: BytesMut,
    /// The part of the current chunk that is not returned yet.
    chunk: Bytes,
    boundary: Boundary,
    previous: Ending,
}

/// The rule that ends an event.
#[derive(Debug)]
enum Boundary {
    /// The rules of server-sent events.
    Event(BoundaryScanner),
    /// A LF ends an event.
    Line,
}

/// The way in which an event ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ending {
    /// With a CR at the end of a chunk: a LF may follow.
    open_cr: bool,
    lacks_blank_line: bool,
}

impl Default for Boundary {
    fn default() -> Self {
        Self::Event(BoundaryScanner::default())
    }
}

impl Splitter {
    /// A splitter of NDJSON: every line is an event.
    pub fn ndjson() -> Self {
        Self { boundary: Boundary::Line, ..Self::default() }
    }

    /// Takes the next chunk. Call [`next_event`](Self::next_event) until it returns `None` before that.
    pub fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "call next_event() until it returns None");
        self.chunk = chunk;
    }

    /// Returns the next complete event; `None` if another chunk is needed.
    pub fn next_event(&mut self) -> Option<Event> {
        if let Some(&first) = self.chunk.first()
            && std::mem::take(&mut self.previous.open_cr)
            && first == b'\n'
        {
            return Some(Event::trailing_lf(self.chunk.split_to(1)));
        }
        let Some(EventEnd { at, open_cr, lacks_blank_line }) = self.find_end() else {
            self.pending.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            return None;
        };
        self.previous = Ending { open_cr, lacks_blank_line };
        Some(Event::from(self.take(at)))
    }

    fn find_end(&mut self) -> Option<EventEnd> {
        match &mut self.boundary {
            Boundary::Event(scanner) => {
                let event = [&self.pending[..], &self.chunk[..]];
                let end = scanner
                    .find_end(&self.pending[scanner.scanned()..], event)
                    .or_else(|| scanner.find_end(&self.chunk, event))?;
                *scanner = BoundaryScanner::default();
                Some(end)
            }
            Boundary::Line => {
                let length = memchr::memchr(b'\n', &self.chunk)? + 1;
                Some(EventEnd { at: self.pending.len() + length, open_cr: false, lacks_blank_line: false })
            }
        }
    }

    /// Takes the first `length` bytes that are not returned yet.
    fn take(&mut self, length: usize) -> Bytes {
        if self.pending.is_empty() {
            return self.chunk.split_to(length);
        }
        if let Some(missing) = length.checked_sub(self.pending.len()) {
            self.pending.extend_from_slice(&self.chunk[..missing]);
            self.chunk.advance(missing);
        }
        self.pending.split_to(length).freeze()
    }

    /// The number of bytes that are buffered until their event ends.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the previous event ended without a blank line: an event that is inserted after it must begin with one.
    pub fn lacks_blank_line(&self) -> bool {
        self.previous.lacks_blank_line
    }

    /// Takes all bytes that are not returned yet: at the end of the stream, an event without its blank line, or nothing.
    pub fn take_rest(&mut self) -> Bytes {
        if self.pending.is_empty() {
            return std::mem::take(&mut self.chunk);
        }
        self.pending.extend_from_slice(&self.chunk);
        self.chunk = Bytes::new();
        self.pending.split().freeze()
    }
}

#[cfg(test)]
mod tests;
