//! The decoding state of a response: plain, with a decoder, or undecodable.

use aibridge_observer::decoder::{Decoder, MAX_PIECE_BYTES, Undecodable};
use bytes::Bytes;
use http::HeaderMap;

/// The way in which the bytes of a response become readable.
pub(super) enum Decoding {
    /// The bytes are readable as they come.
    Plain,
    /// A decoder makes the bytes readable.
    Decoder(Box<Decoder>),
    /// The bytes cannot be decoded: the response is relayed without being read.
    Unreadable,
}

impl Decoding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
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
            Self::Decoder(_) => chunk.chunks(MAX_PIECE_BYTES).map(|piece| chunk.slice_ref(piece)).collect(),
            Self::Unreadable => Vec::new(),
        }
    }

    /// Decodes one of the [`pieces`](Self::pieces).
    pub(super) fn decode(&mut self, piece: Bytes) -> Result<Bytes, Undecodable> {
        match self {
            Self::Plain => Ok(piece),
            Self::Decoder(decoder) => decoder.decode(&piece),
            Self::Unreadable => Err(Undecodable),
        }
    }

    /// Checks that the encoded body is complete.
    pub(super) fn finish(&mut self) -> Result<(), Undecodable> {
        match self {
            Self::Decoder(decoder) => decoder.finish(),
            Self::Plain | Self::Unreadable => Ok(()),
        }
    }
}
