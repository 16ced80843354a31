//! Buffers the start of a response until its framing is certain: the first bytes of a stream, or all of a blocking
//! response.

use super::{Decoding, Exchange, ResponseRelay};
use crate::relay::RelayError;
use aibridge_error::Error;
use aibridge_observer::framing::{Framing, FramingDetector};
use aibridge_upstream::response::{ChunkBuffer, MAX_BUFFERED_BYTES, NextChunk};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The longest time for which the head of an incomplete response is held back: the client may have a timeout.
const MAX_HEAD_DELAY: Duration = Duration::from_secs(10);

/// The start of a response whose framing is certain; all of the response if that is [`Framing::Whole`].
pub(super) struct Prefix {
    pub(super) framing: Framing,
    /// The bytes as they came, without those that were sent already.
    pub(super) raw: Bytes,
    /// The decoded bytes, without leading whitespace.
    pub(super) plain: Bytes,
    /// The body ends here.
    pub(super) is_end: bool,
}

/// The bytes that are buffered so far.
struct PrefixBuffer {
    raw: ChunkBuffer,
    /// The decoded bytes, if the response is encoded.
    plain: ChunkBuffer,
    detector: FramingDetector,
    /// The number of whitespace bytes that were sent.
    sent: usize,
}

impl Exchange {
    /// Reads until the framing is certain. The head is held back too, for at most [`MAX_HEAD_DELAY`]; once it is sent,
    /// leading whitespace is relayed as it comes.
    pub(super) async fn read_prefix(&mut self, relay: &mut ResponseRelay) -> Result<Prefix, RelayError> {
        let head_deadline = Instant::now() + MAX_HEAD_DELAY;
        let mut buffer = PrefixBuffer {
            raw: ChunkBuffer::default(),
            plain: ChunkBuffer::default(),
            detector: FramingDetector::new(relay.may_be_stream, relay.declared),
            sent: 0,
        };
        let (framing, is_end) = loop {
            let is_empty = buffer.raw.as_slice().is_empty();
            if relay.decoding.is_unreadable() && relay.may_be_stream && !is_empty {
                break (Framing::Unreadable, false);
            }
            let deadline = (!self.downstream.has_begun()).then_some(head_deadline);
            match self.next_chunk(&mut relay.response, deadline).await? {
                NextChunk::TimedOut => self.begin(relay),
                NextChunk::End => {
                    if is_empty {
                        relay.decoding = Decoding::Plain; // there is nothing to decode
                    }
                    let is_cut = relay.decoding.finish().is_err();
                    if is_cut && !aibridge_json::is_complete([buffer.plain.as_slice(), b""]) {
                        self.stop_reading(relay);
                    }
                    break (buffer.detector.at_end(), true);
                }
                NextChunk::Chunk(chunk) => {
                    if let Some(framing) = self.buffer_chunk(relay, &mut buffer, chunk).await? {
                        break (framing, false);
                    }
                }
            }
            if relay.decoding.is_plain() && self.downstream.has_begun() {
                self.send_whitespace(&mut buffer).await?;
            }
        };
        relay.framing = Some(framing);
        let raw = buffer.raw.into_bytes();
        let plain = if relay.decoding.is_plain() { raw.clone() } else { buffer.plain.into_bytes() };
        let whitespace = buffer.detector.whitespace().min(plain.len());
        Ok(Prefix { framing, raw: raw.slice(buffer.sent..), plain: plain.slice(whitespace..), is_end })
    }

    async fn buffer_chunk(
        &mut self,
        relay: &mut ResponseRelay,
        buffer: &mut PrefixBuffer,
        chunk: Bytes,
    ) -> Result<Option<Framing>, RelayError> {
        let mut framing = None;
        for piece in relay.decoding.pieces(&chunk) {
            let Ok(plain) = relay.decoding.decode(piece) else {
                self.stop_reading(relay);
                break;
            };
            framing = framing.or_else(|| buffer.detector.push(&plain));
            if !relay.decoding.is_plain() {
                relay.reader.yield_after(plain.len()).await;
                buffer.plain.push(plain);
                if buffer.plain.as_slice().len() > MAX_BUFFERED_BYTES {
                    self.stop_reading(relay);
                    break;
                }
            }
        }
        buffer.raw.push(chunk);
        if buffer.raw.as_slice().len() > MAX_BUFFERED_BYTES {
            return Err(Error::ResponseTooLarge(MAX_BUFFERED_BYTES).into());
        }
        Ok(framing)
    }

    async fn send_whitespace(&mut self, buffer: &mut PrefixBuffer) -> Result<(), RelayError> {
        let whitespace = buffer.detector.whitespace();
        let piece = Bytes::copy_from_slice(&buffer.raw.as_slice()[buffer.sent..whitespace]);
        buffer.sent = whitespace;
        self.send(piece).await
    }
}
