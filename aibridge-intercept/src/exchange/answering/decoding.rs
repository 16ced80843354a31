//! How the bytes of an answer become readable.

use crate::decoder::{Decoder, PIECE, Undecodable};
use bytes::Bytes;
use http::HeaderMap;

/// How the bytes of an answer become readable.
pub(super) enum Decoding {
    /// They are.
    Plain,
    /// By decoding them.
    Decoder(Box<Decoder>),
    /// Not at all: they are relayed unread.
    Unreadable,
}

impl Decoding {
    pub(super) fn by(headers: &HeaderMap) -> Self {
        match Decoder::of(headers) {
            Ok(None) => Self::Plain,
            Ok(Some(decoder)) => Self::Decoder(Box::new(decoder)),
            Err(Undecodable) => Self::Unreadable,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable)
    }

    /// The parts of `chunk` to decode one by one, so that none of them becomes too large.
    pub(super) fn pieces(&self, chunk: &Bytes) -> Vec<Bytes> {
        match self {
            Self::Plain => vec![chunk.clone()],
            Self::Decoder(_) => chunk.chunks(PIECE).map(|piece| chunk.slice_ref(piece)).collect(),
            Self::Unreadable => Vec::new(),
        }
    }

    /// The readable bytes of one of those.
    pub(super) fn decode(&mut self, piece: Bytes) -> Result<Bytes, Undecodable> {
        match self {
            Self::Plain => Ok(piece),
            Self::Decoder(decoder) => decoder.decode(&piece),
            Self::Unreadable => Err(Undecodable),
        }
    }
}
