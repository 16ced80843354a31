//! Holding an answer until its framing is certain: a stream's first bytes, or all of a blocking answer.

use super::{Exchange, Relayed};
use crate::answer::{Came, Gathered, HELD_AT_MOST};
use crate::error::Error;
use crate::framing::{Framing, Sniffer};
use crate::relay::RelayError;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The head of an answer that is not complete after so long goes to the client, which may have a timeout.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// The beginning of an answer whose framing is certain; all of it if that is [`Framing::Whole`].
pub(super) struct Opening {
    pub(super) framing: Framing,
    /// The bytes as they came, without those that were sent already.
    pub(super) raw: Bytes,
    /// The readable bytes, without blank ones at the beginning.
    pub(super) plain: Bytes,
    /// The body is over.
    pub(super) is_end: bool,
}

/// What was held so far.
struct Held {
    raw: Gathered,
    /// The decoded bytes, if that is not the same.
    plain: Gathered,
    sniffer: Sniffer,
    /// How many blank bytes were sent.
    sent: usize,
}

impl Exchange {
    /// Reads until the framing is certain. The head is held as well, for [`HEAD_WITHIN`]; once it is sent, blank
    /// bytes go on as they come.
    pub(super) async fn open(&mut self, relayed: &mut Relayed) -> Result<Opening, RelayError> {
        let head_by = Instant::now() + HEAD_WITHIN;
        let mut held = Held {
            raw: Gathered::default(),
            plain: Gathered::default(),
            sniffer: Sniffer::new(relayed.may_be_stream, relayed.declared),
            sent: 0,
        };
        let (framing, is_end) = loop {
            if relayed.decoding.is_unreadable() && relayed.may_be_stream {
                break (Framing::Unreadable, false);
            }
            let until = (!self.client.has_begun()).then_some(head_by);
            match self.next(&mut relayed.answer, until).await? {
                Came::NotYet => self.begin(relayed),
                Came::End => break (held.sniffer.at_end(), true),
                Came::Chunk(chunk) => {
                    if let Some(framing) = self.hold(relayed, &mut held, chunk).await? {
                        break (framing, false);
                    }
                }
            }
            if relayed.decoding.is_plain() && self.client.has_begun() {
                self.send_blanks(&mut held).await?;
            }
        };
        relayed.framing = Some(framing);
        let raw = held.raw.into_bytes();
        let plain = if relayed.decoding.is_plain() { raw.clone() } else { held.plain.into_bytes() };
        let blank = held.sniffer.blank().min(plain.len());
        Ok(Opening { framing, raw: raw.slice(held.sent..), plain: plain.slice(blank..), is_end })
    }

    async fn hold(
        &mut self,
        relayed: &mut Relayed,
        held: &mut Held,
        chunk: Bytes,
    ) -> Result<Option<Framing>, RelayError> {
        let mut framing = None;
        for piece in relayed.decoding.pieces(&chunk) {
            let Ok(plain) = relayed.decoding.decode(piece) else {
                self.give_up_reading(relayed);
                break;
            };
            framing = framing.or_else(|| held.sniffer.push(&plain));
            if !relayed.decoding.is_plain() {
                relayed.reading.pause_after(plain.len()).await;
                held.plain.push(plain);
                if held.plain.len() > HELD_AT_MOST {
                    self.give_up_reading(relayed);
                    break;
                }
            }
        }
        held.raw.push(chunk);
        if held.raw.len() > HELD_AT_MOST {
            return Err(Error::AnswerTooLarge(HELD_AT_MOST).into());
        }
        Ok(framing)
    }

    async fn send_blanks(&mut self, held: &mut Held) -> Result<(), RelayError> {
        let blank = held.sniffer.blank();
        let piece = Bytes::copy_from_slice(&held.raw.as_slice()[held.sent..blank]);
        held.sent = blank;
        self.send(piece).await
    }
}
