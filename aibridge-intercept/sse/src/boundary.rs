//! Finds the end of an event in one pass over its bytes, for any division into slices.

use aibridge_json::is_complete;
use std::ops::Range;

/// The bytes of a line that distinguish `data:` and `event:` from other fields.
const FIELD_LENGTH: usize = 6;

/// Finds the end of one event that arrives in slices. Offsets count from the event's first byte.
#[derive(Debug, Default)]
pub(crate) struct BoundaryScanner {
    /// The number of scanned bytes.
    at: usize,
    line_start: usize,
    /// The first bytes of the current line.
    field: [u8; FIELD_LENGTH],
    field_length: usize,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// A line with a field has ended.
    has_fields: bool,
    /// The value of the first `data` line.
    first_data: Option<Range<usize>>,
    /// `first_data` was checked for completeness, which happens at most once.
    is_checked: bool,
}

/// The end of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventEnd {
    /// The offset after the event's last byte.
    pub(crate) at: usize,
    /// The last byte is a CR and the next byte has not arrived: if that is a LF, it belongs to this event.
    pub(crate) open_cr: bool,
    /// The next line began another event, without a blank line in between.
    pub(crate) lacks_blank_line: bool,
}

impl BoundaryScanner {
    /// The number of scanned bytes.
    pub(crate) fn scanned(&self) -> usize {
        self.at
    }

    /// Scans `bytes`, which follow the bytes that were scanned before. `event` is the event so far, `bytes` included, in
    /// two parts.
    pub(crate) fn find_end(&mut self, bytes: &[u8], event: [&[u8]; 2]) -> Option<EventEnd> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                self.begin_line(self.at + 1);
                continue;
            }
            let length = memchr::memchr2(b'\n', b'\r', rest);
            self.record_field(&rest[..length.unwrap_or(rest.len())]);
            if self.line_begins_another_event(event) {
                return Some(EventEnd { at: self.line_start, open_cr: false, lacks_blank_line: true });
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
                return Some(EventEnd {
                    at: self.at + usize::from(lf_follows),
                    open_cr,
                    lacks_blank_line: false,
                });
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

    fn record_field(&mut self, piece: &[u8]) {
        let free = &mut self.field[self.field_length..];
        let count = free.len().min(piece.len());
        free[..count].copy_from_slice(&piece[..count]);
        self.field_length += count;
    }

    fn is_field(&self, name: &[u8]) -> bool {
        self.field[..self.field_length].starts_with(name)
    }

    /// Whether the current line begins another event: a `data` line that is a complete JSON value ends its event if a
    /// `data` or `event` field or a comment follows. Some servers send only one newline after each event.
    fn line_begins_another_event(&mut self, event: [&[u8]; 2]) -> bool {
        let Some(value) = &self.first_data else { return false };
        if self.is_checked || ![&b"data:"[..], b"event:", b":"].iter().any(|name| self.is_field(name)) {
            return false;
        }
        self.is_checked = true;
        is_complete(slice(event, value))
    }

    /// Ends the current line at offset `end`. Returns whether the event ends with it.
    fn end_line(&mut self, end: usize) -> bool {
        if end == self.line_start {
            return true;
        }
        if self.is_field(b":") {
            // A comment before all fields is an event of its own, so that it does not wait for the fields.
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
