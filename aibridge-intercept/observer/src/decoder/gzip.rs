//! Decodes the members of a gzip body (RFC 1952), and detects where they end.

use super::Sink;
use flate2::write::GzDecoder;
use std::io::{self, Write};

/// The decoder of a gzip body. A write of bytes after the last member returns 0.
pub(super) struct Gzip {
    member: GzDecoder<Sink>,
    /// A whole member was decoded before `member`.
    has_member: bool,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { member: GzDecoder::new(Sink::default()), has_member: false }
    }

    pub(super) fn sink(&mut self) -> &mut Sink {
        self.member.get_mut()
    }

    /// Checks that the last member is complete.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.is_after_members() { Ok(()) } else { self.member.try_finish() }
    }

    /// Whether a whole member was decoded, and no header of another one since then.
    fn is_after_members(&self) -> bool {
        self.has_member && self.member.header().is_none()
    }
}

impl Write for Gzip {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.member.write(bytes);
        if matches!(written, Ok(0)) && !bytes.is_empty() {
            self.member.try_finish()?;
            let sink = std::mem::take(self.sink());
            self.member = GzDecoder::new(sink);
            self.has_member = true;
            written = self.member.write(bytes);
        }
        if self.is_after_members() { written.or(Ok(0)) } else { written }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_after_members() { Ok(()) } else { self.member.flush() }
    }
}
