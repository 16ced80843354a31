//! Relays a stream: every event is sent at once, except the terminal one, which waits for the end records.

use super::{Decoding, Exchange, Prefix, ResponseRelay};
use crate::events::InterceptionEvent;
use crate::relay::{Batch, RelayError};
use aibridge_error::Error;
use aibridge_observer::framing::Framing;
use aibridge_observer::response_reader::ResponseReader;
use aibridge_observer::{Ending, EventAction, ResponseSummary};
use aibridge_recorder::{ErrorType, Outcome};
use aibridge_sse::{Event, Splitter};
use aibridge_upstream::response::{MAX_BUFFERED_BYTES, NextChunk, UpstreamResponse};
use bytes::Bytes;

/// A stream that is being relayed.
struct Stream<'a> {
    relay: &'a mut ResponseRelay,
    splitter: Splitter,
    /// The previous event was withheld.
    is_withheld: bool,
}

impl Exchange {
    pub(super) async fn relay_stream(
        &mut self,
        relay: &mut ResponseRelay,
        prefix: Prefix,
    ) -> Result<(), RelayError> {
        if !self.downstream.has_begun() {
            self.begin(relay);
        }
        relay.response.drop_headers();
        let splitter = match prefix.framing {
            Framing::Lines => Splitter::ndjson(),
            Framing::Events | Framing::Whole | Framing::Unreadable => Splitter::default(),
        };
        let mut stream = Stream { relay, splitter, is_withheld: false };
        let (mut raw, mut plain, is_end) = (prefix.raw, Some(prefix.plain), prefix.is_end);
        loop {
            // Moved, so that its memory is free while the next chunk is awaited.
            let chunk = std::mem::take(&mut raw);
            let is_terminated = if stream.relay.decoding.is_plain() {
                self.relay_plain(&mut stream, chunk, plain.take()).await?
            } else {
                self.relay_encoded(&mut stream, chunk, plain.take()).await?
            };
            if is_terminated {
                return self.relay_rest(&mut stream.relay.response).await;
            }
            if stream.relay.decoding.is_unreadable() {
                return self.relay_unread(stream.relay, None).await;
            }
            if is_end {
                break;
            }
            match self.next_chunk(&mut stream.relay.response, None).await? {
                NextChunk::Chunk(chunk) => raw = chunk,
                NextChunk::End | NextChunk::TimedOut => break,
            }
        }
        let tail = Event::from(stream.splitter.take_rest());
        let action = stream.relay.reader.read_event(&tail).await;
        let summary = stream.relay.reader.finish();
        if summary.ending == Ending::Missing && stream.relay.ends_with_connection {
            stream.relay.summary = Some(summary);
            return Err(stream.relay.response.lose().into());
        }
        self.record_stream(stream.relay, summary).await?;
        if stream.relay.decoding.is_plain() && action != EventAction::Withhold {
            self.send(tail.raw).await?;
        }
        self.downstream.end().await;
        Ok(())
    }

    /// Relays `chunk` and reads `plain`, the end of the chunk, or the whole chunk if `plain` is `None`. Returns whether it
    /// contains the terminal event.
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
            if ResponseReader::is_large(&event) {
                self.send_all(batch.take()).await?;
            }
            let action = stream.read(&event).await;
            if action != EventAction::Terminal {
                self.record_owners_early(stream.relay.reader.objects()).await;
            }
            match action {
                EventAction::Relay => batch.push(event.raw),
                EventAction::Withhold => {}
                EventAction::Terminal => {
                    self.send_all(batch.take()).await?;
                    self.end_stream(stream.relay).await?;
                    batch.push(event.raw);
                    batch.push(stream.splitter.take_rest());
                    self.send_all(batch.take()).await?;
                    return Ok(true);
                }
            }
        }
        stream.relay.lacks_blank_line = stream.splitter.lacks_blank_line();
        self.send_all(batch.take()).await?;
        if stream.splitter.pending() > MAX_BUFFERED_BYTES {
            return Err(Error::ResponseTooLarge(MAX_BUFFERED_BYTES).into());
        }
        Ok(false)
    }

    /// Relays `chunk` as it came, and reads it decoded; `plain` is its decoded form if it was decoded before. No event
    /// can be withheld. The chunk with the end of the terminal event waits for the end records. Returns whether `chunk`
    /// was that one.
    async fn relay_encoded(
        &mut self,
        stream: &mut Stream<'_>,
        chunk: Bytes,
        plain: Option<Bytes>,
    ) -> Result<bool, RelayError> {
        let is_decoded = plain.is_some();
        let pieces = plain.map_or_else(|| stream.relay.decoding.pieces(&chunk), |plain| vec![plain]);
        for piece in pieces {
            let decoded = if is_decoded { Ok(piece) } else { stream.relay.decoding.decode(piece) };
            let Ok(plain) = decoded else {
                self.stop_reading(stream.relay);
                break;
            };
            stream.splitter.push(plain);
            while let Some(event) = stream.splitter.next_event() {
                if stream.read(&event).await == EventAction::Terminal {
                    self.end_stream(stream.relay).await?;
                    self.send(chunk).await?;
                    return Ok(true);
                }
                self.record_owners_early(stream.relay.reader.objects()).await;
            }
            if stream.splitter.pending() > MAX_BUFFERED_BYTES {
                self.stop_reading(stream.relay);
                break;
            }
        }
        self.send(chunk).await?;
        Ok(false)
    }

    /// Relays what follows the terminal event, without reading it. The end is recorded and the client has a complete
    /// response, so it does not matter how the provider ends the body.
    async fn relay_rest(&mut self, response: &mut UpstreamResponse) -> Result<(), RelayError> {
        self.log_end().await;
        while let Ok(NextChunk::Chunk(chunk)) = self.next_chunk(response, None).await {
            self.downstream.send(chunk).await?;
        }
        self.downstream.end().await;
        Ok(())
    }

    /// Relays the rest of a stream that cannot be decoded. Its outcome follows from the transport alone, and its usage
    /// is dropped because it is incomplete.
    pub(super) async fn relay_unread(
        &mut self,
        relay: &mut ResponseRelay,
        prefix: Option<Bytes>,
    ) -> Result<(), RelayError> {
        if !self.downstream.has_begun() {
            self.begin(relay);
        }
        self.send(prefix.unwrap_or_default()).await?;
        while let NextChunk::Chunk(chunk) = self.next_chunk(&mut relay.response, None).await? {
            self.send(chunk).await?;
        }
        relay.response.complete(false);
        let mut summary = relay.reader.finish();
        summary.usage = None;
        self.record_end(Outcome::Completed, summary).await?;
        self.downstream.end().await;
        Ok(())
    }

    /// Records the end of a stream, with the outcome that its observer found.
    async fn end_stream(&mut self, relay: &mut ResponseRelay) -> Result<(), RelayError> {
        let summary = relay.reader.finish();
        self.record_stream(relay, summary).await
    }

    async fn record_stream(
        &mut self,
        relay: &mut ResponseRelay,
        summary: ResponseSummary,
    ) -> Result<(), RelayError> {
        relay.response.complete(relay.reader.is_lone_error(summary.ending));
        // A provider that has reported a part of the usage charges for the rest, too. If it has reported no usage, no
        // charge is known.
        self.is_interrupted |= summary.ending == Ending::Missing && summary.usage.is_some();
        let outcome = match summary.ending {
            Ending::Complete => Outcome::Completed,
            Ending::Failed | Ending::Missing => Outcome::Failed(ErrorType::StreamError),
        };
        self.record_end(outcome, summary).await
    }

    pub(super) fn stop_reading(&self, relay: &mut ResponseRelay) {
        relay.decoding = Decoding::Unreadable;
        self.report_undecodable();
    }

    pub(super) fn report_undecodable(&self) {
        let interception = &*self.interception;
        tracing::warn!(
            id = %interception.id,
            provider = interception.provider_name,
            "could not decode the content encoding of a response, so it is relayed without being read; turn off compression at the provider"
        );
        self.events.on_event(&InterceptionEvent::Undecodable { interception });
    }
}

impl Stream<'_> {
    async fn read(&mut self, event: &Event) -> EventAction {
        if event.is_trailing_lf() {
            return if self.is_withheld { EventAction::Withhold } else { EventAction::Relay };
        }
        let action = self.relay.reader.read_event(event).await;
        self.is_withheld = action == EventAction::Withhold;
        action
    }
}
