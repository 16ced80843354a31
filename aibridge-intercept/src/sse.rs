//! Splitting a byte stream into server-sent events, without ever changing a byte.
//!
//! An event ends with a blank line; lines end with LF, CRLF or CR (WHATWG HTML §9.2.5). Events that lie
//! within one chunk are slices of it; only one that spans chunks is put together in a buffer. Work is linear in
//! the bytes, however they are cut.

use bytes::{Buf, Bytes, BytesMut};
use std::borrow::Cow;

/// One event with everything that belongs to it, its closing blank line included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came.
    pub raw: Bytes,
}

/// Splits chunks into [`Event`]s.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The beginning of an event whose end has not come yet.
    pending: BytesMut,
    /// What of the current chunk is not given out yet.
    chunk: Bytes,
    scan: Scan,
}

impl Splitter {
    /// Takes the next chunk. All events of the one before must have been taken out.
    pub fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "next_event() is called until it gives None");
        self.chunk = chunk;
    }

    /// The next complete event. `None` asks for another chunk.
    pub fn next_event(&mut self) -> Option<Event> {
        let Some(end) = self.scan.find_end(&self.chunk) else {
            self.pending.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            return None;
        };
        self.scan = Scan::default();
        if self.pending.is_empty() {
            return Some(Event { raw: self.chunk.split_to(end) });
        }
        self.pending.extend_from_slice(&self.chunk[..end]);
        self.chunk.advance(end);
        Some(Event { raw: self.pending.split().freeze() })
    }

    /// How many bytes wait for the end of their event.
    pub fn pending(&self) -> usize {
        self.pending.len()
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

/// Where the scanner stands between two bytes.
#[derive(Debug)]
struct Scan {
    /// The current line has no bytes yet.
    line_is_empty: bool,
    /// The last byte was a CR: a following LF belongs to it.
    after_cr: bool,
    /// That CR ended a blank line.
    event_ended: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Self { line_is_empty: true, after_cr: false, event_ended: false }
    }
}

impl Scan {
    /// Goes on through `bytes`, which were not seen before, to just behind the end of the event.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_cr) {
                let belongs_to_cr = bytes[at] == b'\n';
                at += usize::from(belongs_to_cr);
                if self.event_ended {
                    return Some(at);
                }
                continue;
            }
            let Some(length) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.line_is_empty = false;
                return None;
            };
            let blank = self.line_is_empty && length == 0;
            self.line_is_empty = true;
            at += length + 1;
            if bytes[at - 1] == b'\r' {
                self.after_cr = true;
                self.event_ended = blank;
            } else if blank {
                return Some(at);
            }
        }
        None
    }
}

impl Event {
    /// The payload: the `data` lines joined by LF, `None` if there is none (a comment, a lone blank line).
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        self.field(b"data", |data, more| {
            let joined = data.to_mut();
            joined.push(b'\n');
            joined.extend_from_slice(more);
        })
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
        Self { raw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut splitter = Splitter::default();
        let mut events = Vec::new();
        for chunk in chunks {
            splitter.push(Bytes::copy_from_slice(chunk));
            while let Some(event) = splitter.next_event() {
                events.push(event.raw.to_vec());
            }
        }
        (events, splitter.take_rest().to_vec())
    }

    #[test]
    fn events_end_with_a_blank_line_of_any_kind() {
        let table: &[(&[u8], &[&[u8]], &[u8])] = &[
            (b"data: a\n\ndata: b\n\n", &[b"data: a\n\n", b"data: b\n\n"], b""),
            (b"data: a\r\n\r\ndata: b\r\n\r\nx", &[b"data: a\r\n\r\n", b"data: b\r\n\r\n"], b"x"),
            (b"data: a\r\rdata: b\r\r:", &[b"data: a\r\r", b"data: b\r\r"], b":"),
            (b"data: a\n\r\nb", &[b"data: a\n\r\n"], b"b"),
            (b"data: a\r\n\nb", &[b"data: a\r\n\n"], b"b"),
            (b": comment\n\n\ndata: a\n\n", &[b": comment\n\n", b"\n", b"data: a\n\n"], b""),
            (b"data: [DONE]\n", &[], b"data: [DONE]\n"),
            (b"", &[], b""),
        ];
        for (stream, events, tail) in table {
            let (found, rest) = split(&[stream]);
            assert_eq!(found, events.iter().map(|e| e.to_vec()).collect::<Vec<_>>(), "{stream:?}");
            assert_eq!(&rest, tail, "{stream:?}");
        }
    }

    #[test]
    fn data_lines_are_joined_and_one_space_is_dropped() {
        let table: &[(&str, Option<&str>)] = &[
            ("data: {\"a\":1}\n\n", Some("{\"a\":1}")),
            ("data:x\n\n", Some("x")),
            ("data:  x\n\n", Some(" x")),
            ("event: e\ndata: {\ndata: }\n\n", Some("{\n}")),
            ("data: a\r\ndata: b\r\n\r\n", Some("a\nb")),
            ("data\n\n", Some("")),
            ("database: x\n\n", None),
            (": data: x\n\n", None),
            ("\u{feff}data: x\n\n", Some("x")),
        ];
        for (raw, expected) in table {
            let event = Event { raw: Bytes::from_static(raw.as_bytes()) };
            assert_eq!(event.data().as_deref(), expected.map(str::as_bytes), "{raw:?}");
        }
        let event = Event { raw: Bytes::from_static(b"event: a\ndata: x\nevent: b\n\n") };
        assert_eq!(event.kind().as_deref(), Some(&b"b"[..]));
    }

    #[test]
    fn events_within_a_chunk_are_not_copied() {
        let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\n");
        let mut splitter = Splitter::default();
        splitter.push(chunk.clone());
        assert_eq!(splitter.next_event().unwrap().raw.as_ptr(), chunk.as_ptr());
        assert_eq!(splitter.next_event().unwrap().raw.as_ptr(), chunk[9..].as_ptr());
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(
            stream in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'd'), Just(b':'), Just(0xC3)], 0..60),
            cuts in proptest::collection::vec(0usize..60, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();

            let (events, tail) = split(&chunks);
            let mut joined = events.concat();
            joined.extend_from_slice(&tail);
            prop_assert_eq!(&joined, &stream);
            prop_assert_eq!(split(&[&stream]), (events, tail));
        }
    }
}
