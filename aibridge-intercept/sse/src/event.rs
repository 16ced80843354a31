//! One event, with the bytes that it came in and its fields.

use bytes::Bytes;
use std::borrow::Cow;

/// One event with everything that belongs to it, including the closing blank line; or a comment or blank line between
/// two events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came.
    pub raw: Bytes,
    is_trailing_lf: bool,
}

impl Event {
    /// The LF of a CRLF whose CR ended the previous event.
    pub(crate) fn trailing_lf(raw: Bytes) -> Self {
        Self { raw, is_trailing_lf: true }
    }

    /// The payload: the `data` lines joined by LF, or a line of NDJSON. `None` for a comment or a blank line.
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        let data = self.field(b"data", |data, more| {
            let joined = data.to_mut();
            joined.push(b'\n');
            joined.extend_from_slice(more);
        });
        data.or_else(|| {
            Some(self.raw.trim_ascii())
                .filter(|line| line.starts_with(b"{") || *line == b"[DONE]")
                .map(Cow::Borrowed)
        })
    }

    /// Whether this is the LF of a CRLF whose CR ended the previous event in an earlier chunk. Treat it like that
    /// event.
    pub fn is_trailing_lf(&self) -> bool {
        self.is_trailing_lf
    }

    /// The value of the last `event` line.
    pub fn event_type(&self) -> Option<Cow<'_, [u8]>> {
        self.field(b"event", |value, later| *value = Cow::Owned(later.to_vec()))
    }

    /// The value of the field `name`. `repeat` combines it with each further value.
    fn field<'a>(
        &'a self,
        name: &[u8],
        mut repeat: impl FnMut(&mut Cow<'a, [u8]>, &'a [u8]),
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
                Some(value) => repeat(value, content),
            }
        }
        value
    }
}

impl From<Bytes> for Event {
    fn from(raw: Bytes) -> Self {
        Self { raw, is_trailing_lf: false }
    }
}
