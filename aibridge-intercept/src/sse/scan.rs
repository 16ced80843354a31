//! Finding the end of an event, in one pass over its bytes however they are cut.

use crate::json_end::is_complete;
use std::ops::Range;

/// As many bytes of a line as tell `data:` and `event:` from other fields.
const FIELD_LENGTH: usize = 6;

/// The state of the scanner between two slices of one event. Offsets count from the event's first byte.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// How many bytes were scanned.
    at: usize,
    line_start: usize,
    /// The first bytes of the current line.
    field: [u8; FIELD_LENGTH],
    field_length: usize,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// A line that is neither blank nor a comment has ended.
    has_fields: bool,
    /// The value of the first `data` line.
    first_data: Option<Range<usize>>,
    /// Whether `first_data` was examined, or another `data` line followed: it is examined at most once.
    is_examined: bool,
}

/// The end of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Offset of the byte behind the event.
    pub(super) at: usize,
    /// The last byte is a CR, and the byte behind it has not come: if it is a LF, it belongs to this event.
    pub(super) open_cr: bool,
    /// The next line began another event; there is no blank line between the two.
    pub(super) is_bare: bool,
}

impl Scan {
    /// How many bytes were scanned.
    pub(super) fn scanned(&self) -> usize {
        self.at
    }

    /// Scans `bytes`, which follow what was scanned before. `event` is the event so far, `bytes` included, in two
    /// parts.
    pub(super) fn find_end(&mut self, bytes: &[u8], event: [&[u8]; 2]) -> Option<End> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                self.begin_line(self.at + 1);
                continue;
            }
            let length = memchr::memchr2(b'\n', b'\r', rest);
            self.note_field(&rest[..length.unwrap_or(rest.len())]);
            if self.line_begins_another_event(event) {
                return Some(End { at: self.line_start, open_cr: false, is_bare: true });
            }
            let Some(length) = length else {
                self.at += rest.len();
                return None;
            };
            let is_cr = rest[length] == b'\r';
            let ends_event = self.end_line(self.at + length);
            rest = &rest[length + 1..];
            self.begin_line(self.at + length + 1);
            if ends_event {
                let lf_follows = is_cr && rest.first() == Some(&b'\n');
                let open_cr = is_cr && rest.is_empty();
                return Some(End { at: self.at + usize::from(lf_follows), open_cr, is_bare: false });
            }
            self.after_cr = is_cr;
        }
        None
    }

    fn begin_line(&mut self, at: usize) {
        self.at = at;
        self.line_start = at;
        self.field_length = 0;
    }

    fn note_field(&mut self, piece: &[u8]) {
        let free = &mut self.field[self.field_length..];
        let count = free.len().min(piece.len());
        free[..count].copy_from_slice(&piece[..count]);
        self.field_length += count;
    }

    fn is_field(&self, name: &[u8]) -> bool {
        self.field[..self.field_length].starts_with(name)
    }

    /// A `data` line that is complete on its own ends its event if another `data` or `event` field follows: some
    /// servers send one newline behind each event.
    fn line_begins_another_event(&mut self, event: [&[u8]; 2]) -> bool {
        let Some(value) = &self.first_data else { return false };
        if self.is_examined || !(self.is_field(b"data:") || self.is_field(b"event:")) {
            return false;
        }
        self.is_examined = true;
        is_complete(slice(event, value))
    }

    /// The current line ends before offset `end`. Returns whether its event ends with it.
    fn end_line(&mut self, end: usize) -> bool {
        if end == self.line_start {
            return true;
        }
        if self.is_field(b":") {
            // A comment in front of all fields is passed on by itself, so that it does not wait for an event.
            return !self.has_fields;
        }
        self.has_fields = true;
        if self.is_field(b"data:") && self.first_data.is_none() {
            self.first_data = Some(self.line_start + b"data:".len()..end);
        }
        false
    }
}

/// The bytes of `range` in a text of two parts.
fn slice<'a>([first, second]: [&'a [u8]; 2], range: &Range<usize>) -> [&'a [u8]; 2] {
    let cut = |part: &'a [u8], offset: usize| {
        let start = range.start.saturating_sub(offset).min(part.len());
        let end = range.end.saturating_sub(offset).min(part.len());
        &part[start..end]
    };
    [cut(first, 0), cut(second, first.len())]
}
