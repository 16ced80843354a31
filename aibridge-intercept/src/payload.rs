//! A body on its way to the provider: the original bytes, with edits spliced in as further pieces.

use crate::json::Edit;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body as a chain of pieces, sent one after the other; cloning it copies no bytes, so it can be sent to one
/// key after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pieces: VecDeque<Bytes>,
}

impl Payload {
    /// `body` with `edits`, which must not overlap, made.
    pub fn edited(body: &Bytes, mut edits: Vec<Edit>) -> Self {
        edits.sort_by_key(|edit| edit.range.start);
        let mut pieces = VecDeque::with_capacity(2 * edits.len() + 1);
        let mut from = 0;
        for edit in edits {
            pieces.push_back(body.slice(from..edit.range.start));
            pieces.push_back(match edit.with {
                std::borrow::Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
                std::borrow::Cow::Owned(text) => Bytes::from(text),
            });
            from = edit.range.end;
        }
        pieces.push_back(body.slice(from..));
        pieces.retain(|piece| !piece.is_empty());
        Self { pieces }
    }

    /// All of it in one piece.
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces.len() {
            0 => Bytes::new(),
            1 => self.pieces[0].clone(),
            _ => self.pieces.iter().flatten().copied().collect(),
        }
    }

    /// Its pieces, in their order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing in it.
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
    fn edits_are_made_in_the_order_of_their_places_and_share_the_rest() {
        let body = Bytes::from_static(b"0123456789");
        let edit = |range, with: &'static str| Edit { range, with: with.into() };
        let payload = Payload::edited(&body, vec![edit(7..9, "xyz"), edit(2..2, "--")]);
        assert_eq!(payload.to_bytes(), "01--23456xyz9");
        assert_eq!(payload.len(), 13);
        assert_eq!(payload.pieces[0].as_ptr(), body.as_ptr(), "nothing of the original is copied");
    }

    #[test]
    fn without_edits_it_is_the_body() {
        let body = Bytes::from_static(b"{}");
        assert_eq!(Payload::from(body.clone()).to_bytes().as_ptr(), body.as_ptr());
        assert!(Payload::from(Bytes::new()).is_empty());
    }
}
