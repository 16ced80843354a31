//! Relaying a stream: every event goes on at once, except the last, which waits for the record.

use super::{Exchange, Opening, Relayed};
use crate::answer::{Answer, Came, HELD_AT_MOST};
use crate::error::Error;
use crate::framing::Framing;
use crate::observer::{Ending, EventAction};
use crate::reading::Reading;
use crate::relay::{Batch, RelayError};
use crate::sse::{Event, Splitter};
use crate::watch::InterceptionEvent;
use aibridge_recorder::{ErrorType, Outcome};
use bytes::Bytes;

/// A stream that is being relayed.
struct Stream<'a> {
    relayed: &'a mut Relayed,
    splitter: Splitter,
    /// The last event was withheld.
    withheld: bool,
}

impl Exchange {
    pub(super) async fn relay_stream(
        &mut self,
        relayed: &mut Relayed,
        opening: Opening,
    ) -> Result<(), RelayError> {
        if !self.client.has_begun() {
            self.begin(relayed);
        }
        let splitter = match opening.framing {
            Framing::Lines => Splitter::of_lines(),
            _ => Splitter::default(),
        };
        let mut stream = Stream { relayed, splitter, withheld: false };
        let (mut raw, mut plain, is_end) = (opening.raw, Some(opening.plain), opening.is_end);
        loop {
            // Moved, so that nothing of it is kept while the next is waited for.
            let chunk = std::mem::take(&mut raw);
            let is_over = if stream.relayed.decoding.is_plain() {
                self.relay_plain(&mut stream, chunk, plain.take()).await?
            } else {
                self.relay_encoded(&mut stream, chunk, plain.take()).await?
            };
            if is_over {
                return self.relay_rest(&mut stream.relayed.answer).await;
            }
            if stream.relayed.decoding.is_unreadable() {
                return self.relay_unread(stream.relayed, None).await;
            }
            if is_end {
                break;
            }
            match self.next(&mut stream.relayed.answer, None).await? {
                Came::Chunk(chunk) => raw = chunk,
                Came::End | Came::NotYet => break,
            }
        }
        let tail = Event::from(stream.splitter.take_rest());
        stream.relayed.reading.event(&tail).await;
        self.end_stream(stream.relayed).await?;
        if stream.relayed.decoding.is_plain() {
            self.send(tail.raw).await?;
        }
        self.client.end().await;
        Ok(())
    }

    /// Relays `chunk`, of which `plain` is to be read: all of it, if that is not given. Returns whether it held the
    /// terminal event.
    async fn relay_plain(
        &mut self,
        stream: &mut Stream<'_>,
        chunk: Bytes,
        plain: Option<Bytes>,
    ) -> Result<bool, RelayError> {
        let plain = plain.unwrap_or_else(|| chunk.clone());
        let mut batch = Batch::of(chunk.clone());
        batch.push(chunk.slice(..chunk.len() - plain.len()));
        stream.splitter.push(plain);
        while let Some(event) = stream.splitter.next_event() {
            if Reading::is_large(&event) {
                self.send_all(batch.take()).await?;
            }
            match stream.read(&event).await {
                EventAction::Relay => batch.push(event.raw),
                EventAction::Withhold => {}
                EventAction::Terminal => {
                    self.send_all(batch.take()).await?;
                    self.end_stream(stream.relayed).await?;
                    batch.push(event.raw);
                    batch.push(stream.splitter.take_rest());
                    self.send_all(batch.take()).await?;
                    return Ok(true);
                }
            }
        }
        stream.relayed.is_bare = stream.splitter.last_is_bare();
        self.send_all(batch.take()).await?;
        if stream.splitter.pending() > HELD_AT_MOST {
            return Err(Error::AnswerTooLarge(HELD_AT_MOST).into());
        }
        Ok(false)
    }

    /// Relays `chunk` as it came, and reads it decoded; or `plain`, if that was decoded before. Nothing can be
    /// withheld. The chunk that holds the end of the terminal event waits for the record. Returns whether it did.
    async fn relay_encoded(
        &mut self,
        stream: &mut Stream<'_>,
        chunk: Bytes,
        plain: Option<Bytes>,
    ) -> Result<bool, RelayError> {
        let is_decoded = plain.is_some();
        let pieces = plain.map_or_else(|| stream.relayed.decoding.pieces(&chunk), |plain| vec![plain]);
        for piece in pieces {
            let decoded = if is_decoded { Ok(piece) } else { stream.relayed.decoding.decode(piece) };
            let Ok(plain) = decoded else {
                self.give_up_reading(stream.relayed);
                break;
            };
            stream.splitter.push(plain);
            while let Some(event) = stream.splitter.next_event() {
                if stream.read(&event).await == EventAction::Terminal {
                    self.end_stream(stream.relayed).await?;
                    self.send(chunk).await?;
                    return Ok(true);
                }
            }
            if stream.splitter.pending() > HELD_AT_MOST {
                self.give_up_reading(stream.relayed);
                break;
            }
        }
        self.send(chunk).await?;
        Ok(false)
    }

    /// Behind the terminal event everything is recorded and the client has what it wants: what still comes passes
    /// unread, and however it ends is a proper end.
    async fn relay_rest(&mut self, answer: &mut Answer) -> Result<(), RelayError> {
        self.log_end().await;
        while let Ok(Came::Chunk(chunk)) = self.next(answer, None).await {
            self.client.send(chunk).await?;
        }
        self.client.end().await;
        Ok(())
    }

    /// Relays the rest of a stream that cannot be decoded: its transport alone says how it ended, and what was read
    /// of its usage is not all.
    pub(super) async fn relay_unread(
        &mut self,
        relayed: &mut Relayed,
        opening: Option<Bytes>,
    ) -> Result<(), RelayError> {
        if !self.client.has_begun() {
            self.begin(relayed);
        }
        self.send(opening.unwrap_or_default()).await?;
        while let Came::Chunk(chunk) = self.next(&mut relayed.answer, None).await? {
            self.send(chunk).await?;
        }
        relayed.answer.complete(false);
        let mut learnt = relayed.reading.finish();
        learnt.usage = None;
        self.end(Outcome::Completed, learnt).await?;
        self.client.end().await;
        Ok(())
    }

    /// Ends a stream by what its observer saw.
    async fn end_stream(&mut self, relayed: &mut Relayed) -> Result<(), RelayError> {
        let learnt = relayed.reading.finish();
        relayed.answer.complete(relayed.reading.is_lone_error(learnt.ending));
        let outcome = match learnt.ending {
            Ending::Complete => Outcome::Completed,
            Ending::Failed | Ending::Missing => Outcome::Failed(ErrorType::StreamError),
        };
        self.end(outcome, learnt).await
    }

    pub(super) fn give_up_reading(&self, relayed: &mut Relayed) {
        relayed.decoding = super::Decoding::Unreadable;
        self.undecodable();
    }

    pub(super) fn undecodable(&self) {
        let interception = &*self.interception;
        tracing::warn!(
            id = %interception.id,
            provider = interception.provider_name,
            "an answer is relayed unread: its content encoding cannot be decoded; turn compression off at the provider"
        );
        self.watch.on_event(&InterceptionEvent::Undecodable { interception });
    }
}

impl Stream<'_> {
    async fn read(&mut self, event: &Event) -> EventAction {
        if event.is_rest_of_last() {
            return if self.withheld { EventAction::Withhold } else { EventAction::Relay };
        }
        let verdict = self.relayed.reading.event(event).await;
        self.withheld = verdict == EventAction::Withhold;
        verdict
    }
}
