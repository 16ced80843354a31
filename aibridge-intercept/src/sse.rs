//! Splitting a byte stream into events, without ever changing a byte.
//!
//! A server-sent event ends with a blank line; lines end with LF, CRLF or CR (WHATWG HTML §9.2.5). Two more
//! boundaries are accepted, since servers need them: a `data` line that is a complete JSON value ends an event if the
//! next line begins another one, and in NDJSON every line is an event. A comment line between two events is passed on
//! by itself. Events that lie within one chunk are slices of it; only one that spans chunks is put together in a
//! buffer. Work is linear in the bytes, however they are cut.

mod scan;

use bytes::{Buf, Bytes, BytesMut};
use scan::{End, Scan};
use std::borrow::Cow;

/// One event with everything that belongs to it, its closing blank line included; or a comment or blank line between
/// two events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came.
    pub raw: Bytes,
    is_rest_of_last: bool,
}

/// Splits chunks into [`Event`]s.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The beginning of an event whose end has not come yet.
    pending: BytesMut,
    /// The part of the current chunk that was not returned yet.
    chunk: Bytes,
    boundary: Boundary,
    last: Last,
}

/// What ends an event.
#[derive(Debug)]
enum Boundary {
    /// The rules of server-sent events.
    Event(Scan),
    /// A LF.
    Line,
}

/// How the last event ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Last {
    open_cr: bool,
    is_bare: bool,
}

impl Default for Boundary {
    fn default() -> Self {
        Self::Event(Scan::default())
    }
}

impl Splitter {
    /// Splits NDJSON: every line is an event.
    pub fn of_lines() -> Self {
        Self { boundary: Boundary::Line, ..Self::default() }
    }

    /// Takes the next chunk. All events of the one before must have been taken out.
    pub fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "next_event() is called until it gives None");
        self.chunk = chunk;
    }

    /// The next complete event. `None` asks for another chunk.
    pub fn next_event(&mut self) -> Option<Event> {
        if let Some(&first) = self.chunk.first()
            && std::mem::take(&mut self.last.open_cr)
            && first == b'\n'
        {
            return Some(Event { raw: self.chunk.split_to(1), is_rest_of_last: true });
        }
        let Some(End { at, open_cr, is_bare }) = self.find_end() else {
            self.pending.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            return None;
        };
        self.last = Last { open_cr, is_bare };
        Some(Event::from(self.take(at)))
    }

    fn find_end(&mut self) -> Option<End> {
        match &mut self.boundary {
            Boundary::Event(scan) => {
                let event = [&self.pending[..], &self.chunk[..]];
                let end = scan
                    .find_end(&self.pending[scan.scanned()..], event)
                    .or_else(|| scan.find_end(&self.chunk, event))?;
                *scan = Scan::default();
                Some(end)
            }
            Boundary::Line => {
                let length = memchr::memchr(b'\n', &self.chunk)? + 1;
                Some(End { at: self.pending.len() + length, open_cr: false, is_bare: false })
            }
        }
    }

    /// The first `length` bytes of what was not returned yet.
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

    /// How many bytes wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the last event ended without a blank line: whatever is sent behind it must begin with one.
    pub fn last_is_bare(&self) -> bool {
        self.last.is_bare
    }

    /// Everything that was not given out: at the end of the stream an event that lacks its blank line, or nothing.
    pub fn take_rest(&mut self) -> Bytes {
        if self.pending.is_empty() {
            return std::mem::take(&mut self.chunk);
        }
        self.pending.extend_from_slice(&self.chunk);
        self.chunk = Bytes::new();
        self.pending.split().freeze()
    }
}

impl Event {
    /// The payload: the `data` lines joined by LF, or a line of NDJSON. `None` if there is none (a comment, a lone
    /// blank line).
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        let data = self.field(b"data", |data, more| {
            let joined = data.to_mut();
            joined.push(b'\n');
            joined.extend_from_slice(more);
        });
        data.or_else(|| Some(self.raw.trim_ascii()).filter(|line| line.starts_with(b"{")).map(Cow::Borrowed))
    }

    /// Whether this is the LF of a CRLF that was cut, whose CR ended the event before: the same becomes of it.
    pub fn is_rest_of_last(&self) -> bool {
        self.is_rest_of_last
    }

    /// The last `event` line.
    pub fn kind(&self) -> Option<Cow<'_, [u8]>> {
        self.field(b"event", |kind, later| *kind = Cow::Owned(later.to_vec()))
    }

    fn field<'a>(
        &'a self,
        name: &[u8],
        mut again: impl FnMut(&mut Cow<'a, [u8]>, &'a [u8]),
    ) -> Option<Cow<'a, [u8]>> {
        let mut value: Option<Cow<'_, [u8]>> = None;
        let mut rest = self.raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.raw);
        while !rest.is_empty() {
            let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            let Some(after_name) = line.strip_prefix(name) else { continue };
            let content = match after_name.split_first() {
                None => after_name,
                Some((b':', content)) => content.strip_prefix(b" ").unwrap_or(content),
                Some(_) => continue,
            };
            match &mut value {
                None => value = Some(Cow::Borrowed(content)),
                Some(value) => again(value, content),
            }
        }
        value
    }
}

impl From<Bytes> for Event {
    fn from(raw: Bytes) -> Self {
        Self { raw, is_rest_of_last: false }
    }
}

#[cfg(test)]
mod tests;
