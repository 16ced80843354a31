//! The body of an upstream request: the original bytes, with edits spliced in as additional pieces.

use aibridge_json::{Edit, splice};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body as a chain of pieces, which are sent in order. A clone copies no bytes, so the body can be sent with one key
/// after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pieces: VecDeque<Bytes>,
}

impl Payload {
    /// `body` with `edits`, which must not overlap.
    pub fn edited(body: &Bytes, edits: Vec<Edit>) -> Self {
        Self { pieces: splice(body, edits) }
    }

    /// The whole body in one piece.
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces.len() {
            0 => Bytes::new(),
            1 => self.pieces[0].clone(),
            _ => self.pieces.iter().flatten().copied().collect(),
        }
    }

    /// The pieces in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

impl From<Bytes> for Payload {
    fn from(body: Bytes) -> Self {
        Self::edited(&body, Vec::new())
    }
}

impl From<Payload> for reqwest::Body {
    fn from(mut payload: Payload) -> Self {
        match payload.pieces.len() {
            0 => Self::from(Bytes::new()),
            1 => Self::from(payload.pieces.pop_front().unwrap_or_default()),
            _ => Self::wrap(payload),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_length_of_all_pieces() {
        let body = Bytes::from_static(b"0123456789");
        let edit = Edit { range: 2..2, replacement: "--".into() };
        let payload = Payload::edited(&body, vec![edit]);
        assert_eq!(payload.to_bytes(), "01--23456789");
        assert_eq!(payload.len(), 12);
    }

    #[test]
    fn without_edits_the_payload_is_the_body() {
        let body = Bytes::from_static(b"{}");
        assert_eq!(Payload::from(body.clone()).to_bytes().as_ptr(), body.as_ptr());
        assert!(Payload::from(Bytes::new()).is_empty());
    }
}
