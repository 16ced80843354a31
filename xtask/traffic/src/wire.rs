//! The part of HTTP/1.1 that both ends need: finding the end of a head and the end of a body.

use anyhow::{Context, Result, ensure};

/// The rule that determines the end of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

/// Finds the end of a body that arrives in pieces.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    received: usize,
    tail: Vec<u8>,
}

/// The length of the head at the start of `bytes`, including its blank line, if the head is complete.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// The framing of the body after `head`.
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

/// Checks that the status is 200.
pub(crate) fn check(head: &[u8]) -> Result<()> {
    ensure!(head.get(9..12) == Some(b"200"), "unexpected response: {}", String::from_utf8_lossy(head));
    Ok(())
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, received: 0, tail: Vec::new() }
    }

    /// Adds the next piece of the body.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        const END: usize = 7;
        self.received += piece.len();
        if self.framing == Framing::Chunked {
            self.tail.extend_from_slice(&piece[piece.len().saturating_sub(END)..]);
            self.tail.drain(..self.tail.len().saturating_sub(END));
        }
    }

    /// The number of bytes received so far.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Whether the body is complete. JSON and events have no CR, so that only the last chunk matches.
    pub(crate) fn is_complete(&self) -> bool {
        match self.framing {
            Framing::Length(length) => self.received >= length,
            Framing::Chunked => self.tail.ends_with(b"\r\n0\r\n\r\n") || self.tail == b"0\r\n\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_as_its_framing_announces() {
        let mut body = Body::new(framing(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").unwrap());
        body.push(b"abc");
        assert!(!body.is_complete());
        body.push(b"de");
        assert!(body.is_complete());

        let mut body = Body::new(framing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap());
        for piece in ["2\r\nab\r\n", "0\r", "\n\r"] {
            body.push(piece.as_bytes());
            assert!(!body.is_complete(), "{piece:?}");
        }
        body.push(b"\n");
        assert!(body.is_complete());
    }
}
