//! Relays a provider's response to the client while an observer reads it.

mod decoding;
mod prefix;
mod stream;

use super::{Exchange, InterceptError, id_value};
use crate::relay::RelayError;
use aibridge_error::{Error, ErrorResponse};
use aibridge_headers::forwarding as headers;
use aibridge_observer::framing::{DeclaredFraming, Framing};
use aibridge_observer::response_reader::ResponseReader;
use aibridge_observer::{Ending, Observer, ResponseSummary};
use aibridge_recorder::{CredentialKind, ErrorType, Outcome};
use aibridge_upstream::response::{NextChunk, UpstreamResponse};
use aibridge_upstream::upstream::refusal;
use bytes::Bytes;
use decoding::Decoding;
use http::HeaderMap;
use prefix::Prefix;
use tokio::time::Instant;

/// A response that is being relayed.
struct ResponseRelay {
    response: UpstreamResponse,
    reader: ResponseReader,
    decoding: Decoding,
    /// The response is a success, and the client asked for a stream or the response declares one.
    may_be_stream: bool,
    /// The length of the whole body, if the provider announces it. The HTTP client reports what is left of it.
    length: Option<u64>,
    declared: DeclaredFraming,
    /// Only the end of the connection ends the body, so that a lost connection looks like an end.
    ends_with_connection: bool,
    framing: Option<Framing>,
    /// The last event that was sent has no blank line at its end.
    lacks_blank_line: bool,
    /// The content of a stream that seemed to end.
    summary: Option<ResponseSummary>,
}

impl Exchange {
    /// Relays `response`, which `observer` reads, and records the end of the interception.
    ///
    /// # Errors
    ///
    /// [`InterceptError`] if the response breaks off, the client disconnects, or the gateway stops.
    pub async fn relay_response(
        &mut self,
        response: UpstreamResponse,
        observer: Box<dyn Observer>,
        streaming: bool,
    ) -> Result<(), InterceptError> {
        let mut relay = ResponseRelay::new(response, observer, streaming);
        self.relay(&mut relay).await.map_err(|error| relay.fail(error, self.is_end_recorded))
    }

    async fn relay(&mut self, relay: &mut ResponseRelay) -> Result<(), RelayError> {
        if relay.decoding.is_unreadable() {
            self.report_undecodable();
        }
        if relay.may_be_stream && relay.declared != DeclaredFraming::Other {
            self.begin(relay);
        }
        let prefix = self.read_prefix(relay).await?;
        match prefix.framing {
            Framing::Whole => self.relay_whole(relay, prefix).await,
            Framing::Events | Framing::Lines => self.relay_stream(relay, prefix).await,
            Framing::Unreadable => self.relay_unread(relay, Some(prefix.raw)).await,
        }
    }

    /// Sends a blocking response, which is complete.
    async fn relay_whole(&mut self, relay: &mut ResponseRelay, prefix: Prefix) -> Result<(), RelayError> {
        let status = relay.response.http.status();
        let is_read = status.is_success() && !relay.decoding.is_unreadable();
        if is_read {
            relay.reader.read_body(prefix.plain).await;
        }
        let summary = relay.reader.finish();
        let is_lone_error = relay.may_be_stream && summary.ending == Ending::Failed;
        let error_type = refusal::error_type(status, relay.response.http.headers(), &prefix.raw);
        let outcome = match (error_type, summary.ending) {
            (Some(error_type), _) => Outcome::Failed(error_type),
            (None, Ending::Failed | Ending::Missing) if is_read => {
                Outcome::Failed(ErrorType::InvalidResponse)
            }
            (None, _) => Outcome::Completed,
        };
        relay.response.complete(is_lone_error);
        self.record_end(outcome, summary).await?;
        if self.downstream.has_begun() {
            self.send(prefix.raw).await?;
            self.downstream.end().await;
        } else {
            self.downstream.respond(status, self.response_headers(&relay.response), prefix.raw);
        }
        Ok(())
    }

    /// Sends the head.
    fn begin(&mut self, relay: &ResponseRelay) {
        let mut headers = self.response_headers(&relay.response);
        let mut length = None;
        if relay.may_be_stream {
            headers::add_streaming(&mut headers);
        } else {
            length = relay.length;
        }
        self.downstream.begin(relay.response.http.status(), headers, length);
    }

    /// Waits for the next chunk of the body, until `deadline` if there is one.
    async fn next_chunk(
        &mut self,
        response: &mut UpstreamResponse,
        deadline: Option<Instant>,
    ) -> Result<NextChunk, RelayError> {
        let called_at = self.timeline.now();
        let next = self.downstream.unless_stopped(response.next_chunk_until(deadline)).await;
        self.timeline.add_wait_since(called_at);
        Ok(next??)
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), RelayError> {
        if piece.is_empty() {
            return Ok(());
        }
        let called_at = self.timeline.now();
        self.downstream.send(piece).await?;
        self.timeline.record_byte_sent();
        self.timeline.add_wait_since(called_at);
        Ok(())
    }

    async fn send_all(&mut self, pieces: Vec<Bytes>) -> Result<(), RelayError> {
        for piece in pieces {
            self.send(piece).await?;
        }
        Ok(())
    }

    fn response_headers(&self, response: &UpstreamResponse) -> HeaderMap {
        let centralized = self.interception.credential_kind == CredentialKind::Centralized;
        let mut headers = headers::response_headers(response.http.headers(), centralized);
        headers.insert(headers::INTERCEPTION_ID, id_value(self.interception.id));
        headers
    }
}

impl ResponseRelay {
    fn new(response: UpstreamResponse, observer: Box<dyn Observer>, streaming: bool) -> Self {
        let (status, headers) = (response.http.status(), response.http.headers());
        let declared = DeclaredFraming::of(headers);
        let may_be_stream = status.is_success() && (streaming || declared == DeclaredFraming::Events);
        let decoding = if status.is_success() { Decoding::of(headers) } else { Decoding::Plain };
        let (reader, length) = (ResponseReader::new(observer), response.http.content_length());
        let ends_with_connection = response.ends_with_connection();
        Self {
            response,
            reader,
            decoding,
            may_be_stream,
            length,
            declared,
            ends_with_connection,
            framing: None,
            lacks_blank_line: false,
            summary: None,
        }
    }

    /// Whether the client has the head of a stream.
    fn has_begun_as_stream(&self) -> bool {
        let is_stream = matches!(self.framing, Some(Framing::Events | Framing::Lines | Framing::Unreadable));
        self.may_be_stream && (is_stream || self.declared != DeclaredFraming::Other)
    }

    /// Adapts `error` to the kind of response. A stream that breaks off for any reason is a lost connection. A blocking
    /// response that breaks off counts as an unreachable provider: the client gets none of it.
    fn classify(&self, error: RelayError) -> RelayError {
        let unreachable = "the connection broke before the response was complete";
        match error {
            RelayError::Failed(Error::UpstreamDisconnected) if !self.has_begun_as_stream() => {
                Error::UpstreamUnreachable(unreachable.to_owned()).into()
            }
            RelayError::Failed(Error::InvalidResponse) if self.has_begun_as_stream() => {
                Error::UpstreamDisconnected.into()
            }
            other => other,
        }
    }

    /// Ends a relay that failed. The result contains the content that is not recorded yet.
    fn fail(&mut self, error: RelayError, is_recorded: bool) -> InterceptError {
        let error = self.classify(error);
        let error_event = match &error {
            RelayError::Failed(error) => self.error_event(error),
            RelayError::ClientDisconnected => None,
        };
        let summary = match self.summary.take() {
            _ if is_recorded => ResponseSummary::default(),
            Some(summary) => summary,
            None => self.reader.finish(),
        };
        if self.reader.is_lone_error(summary.ending) {
            self.response.complete(true);
        }
        InterceptError { error, summary, error_event }
    }

    /// `error` as an event for a client that has the head of a stream; `None` if the client could not parse one there.
    fn error_event(&self, error: &Error) -> Option<Bytes> {
        if !self.decoding.is_plain() || !self.may_be_stream {
            return None;
        }
        match self.framing {
            Some(Framing::Events) => {
                let event = self.reader.error_event(error);
                Some(if self.lacks_blank_line { [b"\n", &event[..]].concat().into() } else { event })
            }
            Some(Framing::Lines) => {
                Some(format!("{{\"error\":{}}}\n", ErrorResponse::from(error).to_object()).into())
            }
            None if self.declared == DeclaredFraming::Events => Some(self.reader.error_event(error)),
            None | Some(Framing::Whole | Framing::Unreadable) => None,
        }
    }
}

#[cfg(test)]
mod tests;
