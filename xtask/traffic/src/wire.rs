//! As much of HTTP/1.1 as both ends need: where a head ends, and where a body does.

use anyhow::{Context, Result, ensure};

/// What says where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

/// Finds the end of a body in the pieces that come.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    seen: usize,
    tail: Vec<u8>,
}

/// The length of the head at the beginning of `bytes`, with its blank line, if it is all there.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// How the body behind `head` is framed.
pub(crate) fn framing(head: &[u8]) -> Result<Framing> {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            return Ok(Framing::Length(std::str::from_utf8(value)?.parse().context("a length")?));
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Ok(Framing::Chunked);
        }
    }
    Ok(Framing::Length(0))
}

/// Refuses every answer but 200.
pub(crate) fn check(head: &[u8]) -> Result<()> {
    ensure!(head.get(9..12) == Some(b"200"), "answered {}", String::from_utf8_lossy(head));
    Ok(())
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, seen: 0, tail: Vec::new() }
    }

    /// Takes the next piece of it.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        const END: usize = 7;
        self.seen += piece.len();
        if self.framing == Framing::Chunked {
            self.tail.extend_from_slice(&piece[piece.len().saturating_sub(END)..]);
            self.tail.drain(..self.tail.len().saturating_sub(END));
        }
    }

    /// How many bytes of it came.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Whether it is all there. JSON and events hold no CR, so nothing else looks like the last chunk.
    pub(crate) fn is_whole(&self) -> bool {
        match self.framing {
            Framing::Length(length) => self.seen >= length,
            Framing::Chunked => self.tail.ends_with(b"\r\n0\r\n\r\n") || self.tail == b"0\r\n\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let mut body = Body::new(framing(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").unwrap());
        body.push(b"abc");
        assert!(!body.is_whole());
        body.push(b"de");
        assert!(body.is_whole());

        let mut body = Body::new(framing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap());
        for piece in ["2\r\nab\r\n", "0\r", "\n\r"] {
            body.push(piece.as_bytes());
            assert!(!body.is_whole(), "{piece:?}");
        }
        body.push(b"\n");
        assert!(body.is_whole());
    }
}
