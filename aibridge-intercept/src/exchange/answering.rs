//! Relaying a provider's answer to the client while it is read on the side.

mod decoding;
mod opening;
mod stream;

use super::{Exchange, InterceptError, id_value};
use crate::answer::{Answer, Came};
use crate::error::Error;
use crate::framing::{Declared, Framing};
use crate::headers;
use crate::observer::{Ending, Observer, ResponseSummary};
use crate::reading::Reading;
use crate::relay::RelayError;
use crate::upstream::refusal;
use aibridge_recorder::{CredentialKind, ErrorType, Outcome};
use bytes::Bytes;
use decoding::Decoding;
use http::HeaderMap;
use opening::Opening;
use tokio::time::Instant;

/// An answer that is being relayed.
struct Relayed {
    answer: Answer,
    reading: Reading,
    decoding: Decoding,
    /// The client asked for a stream, or the answer is declared as one; and it is a success.
    may_be_stream: bool,
    declared: Declared,
    framing: Option<Framing>,
    /// The last event that was sent lacks its blank line.
    is_bare: bool,
}

impl Exchange {
    /// Relays `answer` past `observer`, and ends the interception with what was learnt.
    ///
    /// # Errors
    ///
    /// If it broke off, or it is time to stop.
    pub async fn answer(
        &mut self,
        answer: Answer,
        observer: Box<dyn Observer>,
        streaming: bool,
    ) -> Result<(), InterceptError> {
        let mut relayed = Relayed::new(answer, observer, streaming);
        self.relay(&mut relayed).await.map_err(|why| relayed.stop(why, self.ended))
    }

    async fn relay(&mut self, relayed: &mut Relayed) -> Result<(), RelayError> {
        if relayed.decoding.is_unreadable() {
            self.undecodable();
        }
        if relayed.may_be_stream && relayed.declared != Declared::Other {
            self.begin(relayed);
        }
        let opening = self.open(relayed).await?;
        match opening.framing {
            Framing::Whole => self.relay_whole(relayed, opening).await,
            Framing::Events | Framing::Lines => self.relay_stream(relayed, opening).await,
            Framing::Unreadable => self.relay_unread(relayed, Some(opening.raw)).await,
        }
    }

    /// Sends a blocking answer, all of which has come.
    async fn relay_whole(&mut self, relayed: &mut Relayed, opening: Opening) -> Result<(), RelayError> {
        let status = relayed.answer.response.status();
        let is_read = status.is_success() && !relayed.decoding.is_unreadable();
        if is_read {
            relayed.reading.body(opening.plain).await;
        }
        let learnt = relayed.reading.finish();
        let error_type = refusal::error_type(status, relayed.answer.response.headers(), &opening.raw);
        let outcome = match (error_type, learnt.ending) {
            (Some(error_type), _) => Outcome::Failed(error_type),
            (None, Ending::Failed | Ending::Missing) if is_read => {
                Outcome::Failed(ErrorType::InvalidResponse)
            }
            (None, _) => Outcome::Completed,
        };
        relayed.answer.complete(false);
        self.end(outcome, learnt).await?;
        if self.client.has_begun() {
            self.send(opening.raw).await?;
            self.client.end().await;
        } else {
            self.client.respond(status, self.answer_headers(&relayed.answer), opening.raw);
        }
        Ok(())
    }

    /// Sends the head.
    fn begin(&mut self, relayed: &Relayed) {
        let mut head = self.answer_headers(&relayed.answer);
        let mut length = None;
        if relayed.may_be_stream {
            headers::add_streaming(&mut head);
        } else {
            length = relayed.answer.response.content_length();
        }
        self.client.begin(relayed.answer.response.status(), head, length);
    }

    /// Waits for the next piece of the body; no longer than `until`, if that is given.
    async fn next(&mut self, answer: &mut Answer, until: Option<Instant>) -> Result<Came, RelayError> {
        let asked_at = self.timeline.now();
        let came = self.client.unless_stopped(answer.chunks_until(until)).await;
        self.timeline.waited_since(asked_at);
        Ok(came??)
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), RelayError> {
        if piece.is_empty() {
            return Ok(());
        }
        let asked_at = self.timeline.now();
        self.client.send(piece).await?;
        self.timeline.byte_sent();
        self.timeline.waited_since(asked_at);
        Ok(())
    }

    async fn send_all(&mut self, pieces: Vec<Bytes>) -> Result<(), RelayError> {
        for piece in pieces {
            self.send(piece).await?;
        }
        Ok(())
    }

    fn answer_headers(&self, answer: &Answer) -> HeaderMap {
        let centralized = self.interception.credential_kind == CredentialKind::Centralized;
        let mut headers = headers::to_client(answer.response.headers(), centralized);
        headers.insert(headers::INTERCEPTION_ID, id_value(self.interception.id));
        headers
    }
}

impl Relayed {
    fn new(answer: Answer, observer: Box<dyn Observer>, streaming: bool) -> Self {
        let (status, headers) = (answer.response.status(), answer.response.headers());
        let declared = Declared::by(headers);
        let may_be_stream = status.is_success() && (streaming || declared == Declared::Events);
        let decoding = if status.is_success() { Decoding::by(headers) } else { Decoding::Plain };
        let reading = Reading::new(observer);
        Self { answer, reading, decoding, may_be_stream, declared, framing: None, is_bare: false }
    }

    /// Whether the client has the head of a stream.
    fn has_begun_as_stream(&self) -> bool {
        let is_stream = matches!(self.framing, Some(Framing::Events | Framing::Lines | Framing::Unreadable));
        self.may_be_stream && (is_stream || self.declared != Declared::Other)
    }

    /// A stream that breaks off broke off, however that came; of a blocking answer that breaks off there is nothing.
    fn blame(&self, why: RelayError) -> RelayError {
        let unreachable = "the connection broke before the answer was complete";
        match why {
            RelayError::Failed(Error::UpstreamBroken) if !self.has_begun_as_stream() => {
                Error::UpstreamUnreachable(unreachable.to_owned()).into()
            }
            RelayError::Failed(Error::AnswerInvalid) if self.has_begun_as_stream() => {
                Error::UpstreamBroken.into()
            }
            other => other,
        }
    }

    /// Why the answer could not be relayed to its end, and what was learnt of it that is not recorded yet.
    fn stop(&mut self, why: RelayError, is_recorded: bool) -> InterceptError {
        let why = self.blame(why);
        let error_event = match &why {
            RelayError::Failed(error) => self.error_event(error),
            RelayError::ClientGone => None,
        };
        let learnt = if is_recorded { ResponseSummary::default() } else { self.reading.finish() };
        if self.reading.is_lone_error(learnt.ending) {
            self.answer.complete(true);
        }
        InterceptError { why, learnt, error_event }
    }

    /// How a client that has the head of a stream is told of `error`; `None` if nothing that it would understand can
    /// be sent.
    fn error_event(&self, error: &Error) -> Option<Bytes> {
        if !self.decoding.is_plain() || !self.may_be_stream {
            return None;
        }
        match self.framing {
            Some(Framing::Events) => {
                let event = self.reading.error_event(error);
                Some(if self.is_bare { [b"\n", &event[..]].concat().into() } else { event })
            }
            Some(Framing::Lines) => Some(format!("{{\"error\":{}}}\n", error.to_object()).into()),
            None if self.declared == Declared::Events => Some(self.reading.error_event(error)),
            None | Some(Framing::Whole | Framing::Unreadable) => None,
        }
    }
}

#[cfg(test)]
mod tests;
