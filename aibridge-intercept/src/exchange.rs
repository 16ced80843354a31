//! The life of one interception: recorded, answered, ended. How an answer is relayed is in `answering`.

mod answering;

use crate::answer::{Answer, yield_once};
use crate::call::{Attempts, Call};
use crate::durable::{self, END_WITHIN};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::headers;
use crate::interceptor::Interceptor;
use crate::objects;
use crate::observer::{Ending, ResponseSummary};
use crate::relay::{Client, RelayError};
use crate::trace;
use crate::upstream::Upstream;
use crate::watch::{EventSink, Held, InterceptionEvent, Timeline};
use aibridge_recorder::{
    CredentialKind, ErrorType, Interception, InterceptionEnd, Outcome, Record, Recorder, UserPrompt,
};
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// One interception under way: what an interceptor calls the provider and answers the client with.
pub struct Exchange {
    interception: Arc<Interception>,
    recorder: Arc<dyn Recorder>,
    watch: Arc<dyn EventSink>,
    client: Client,
    attempts: Attempts,
    timeline: Timeline,
    span: Span,
    start_within: Duration,
    ended: bool,
    last_line: Option<LastLine>,
    _open: Option<Box<dyn Held>>,
}

/// What the log says at the end, and nobody else keeps.
struct LastLine {
    outcome: Outcome,
    /// Input, output, and read from a cache.
    tokens: Option<(i64, i64, i64)>,
    took: Duration,
    overhead: Duration,
}

/// Why an interceptor could not answer to the end, and what it had learnt by then.
#[derive(Debug)]
pub struct InterceptError {
    /// Why.
    pub why: RelayError,
    /// What is recorded all the same.
    pub learnt: ResponseSummary,
    /// How the API tells it in the middle of a stream.
    pub error_event: Option<Bytes>,
}

impl From<RelayError> for InterceptError {
    fn from(why: RelayError) -> Self {
        Self { why, learnt: ResponseSummary::default(), error_event: None }
    }
}

impl Exchange {
    /// An exchange in the current span.
    pub(crate) fn new(
        gateway: &Gateway,
        client: Client,
        interception: Arc<Interception>,
        timeline: Timeline,
    ) -> Self {
        let span = Span::current();
        trace::about(&span, &interception);
        Self {
            _open: gateway.watch.opened(&interception),
            interception,
            recorder: gateway.recorder.clone(),
            watch: gateway.watch.clone(),
            client,
            attempts: Attempts::default(),
            timeline,
            span,
            start_within: gateway.start_within,
            ended: false,
            last_line: None,
        }
    }

    /// Lives the interception from its start to its end.
    pub(crate) async fn run(mut self, interceptor: Box<dyn Interceptor>) {
        let (_, prompt) = interceptor.asked();
        if !self.start(prompt).instrument(trace::record_interception()).await {
            self.watch.on_event(&InterceptionEvent::Refused { interception: &self.interception });
            trace::failed(&self.span, Error::RecorderUnavailable.code());
            self.respond_with(&Error::RecorderUnavailable, None);
            return self.forget_start().await;
        }
        if let Err(stop) = interceptor.process(&mut self).instrument(trace::process_request()).await {
            self.stopped(stop).await;
        }
        self.log_end().await;
    }

    /// Records the start; nothing goes to the provider before this is durable.
    async fn start(&self, prompt: Option<&str>) -> bool {
        let interception = &*self.interception;
        let mut records = vec![Record::Start(self.interception.clone())];
        records.extend(prompt.map(|prompt| {
            Record::Prompt(UserPrompt {
                id: Uuid::now_v7(),
                interception_id: interception.id,
                prompt: prompt.to_owned(),
                created_at: interception.started_at,
            })
        }));
        let hint = match interception.credential_kind {
            CredentialKind::Centralized => "<keypool-pending>",
            CredentialKind::Byok => &interception.credential_hint,
        };
        match timeout(self.start_within, self.recorder.record(records)).await {
            Ok(Ok(())) => {
                self.watch.on_event(&InterceptionEvent::Started { interception, prompt: prompt.is_some() });
                tracing::debug!(
                    id = %interception.id, route = interception.route, model = interception.model,
                    actor = interception.initiator_id, client = interception.client, key = hint,
                    "interception started"
                );
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the start of a request could not be recorded: it was refused");
                false
            }
            Err(_) => {
                tracing::error!("the store took too long to record the start of a request: it was refused");
                false
            }
        }
    }

    /// A start that was given up may have been stored all the same, just then: it is closed if so. If it was not, the
    /// store refuses an end without a start, which is as well.
    async fn forget_start(&self) {
        let outcome = Outcome::Failed(ErrorType::GatewayCrash);
        let ended = Record::End(self.ended(outcome, None, Timestamp::now()));
        let _ = timeout(END_WITHIN, self.recorder.record(vec![ended])).await;
    }

    /// Calls the provider.
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is time to stop.
    pub async fn call(&mut self, upstream: &Upstream, call: Call) -> Result<Answer, InterceptError> {
        let asked_at = self.timeline.now();
        // Boxed, so that a stream that goes on for minutes does not keep the room that the call took.
        let answer = self.client.unless_stopped(Box::pin(upstream.call(call, &mut self.attempts))).await;
        self.timeline.waited_since(asked_at);
        answer?.map_err(|error| RelayError::from(error).into())
    }

    /// Records the end; the end of the answer is held until this is durable.
    async fn end(&mut self, outcome: Outcome, learnt: ResponseSummary) -> Result<(), RelayError> {
        let now = Timestamp::now();
        let ended = self.ended(outcome, learnt.response_id.clone(), now);
        self.watch.on_event(&InterceptionEvent::ResponseSummary {
            interception: &self.interception,
            learnt: &learnt,
        });
        let tokens = learnt.usage.as_ref().map(|usage| (usage.input, usage.output, usage.cache_read));
        trace::learnt(&self.span, &learnt);
        let owners: Vec<Record> = objects::owners(&self.interception, &learnt.objects, now).collect();
        let mut records = learnt.into_records(self.interception.id, now);
        records.extend(owners);
        records.push(Record::End(ended));
        let span = trace::record_interception_ended(&self.span);
        self.store_end(records).instrument(span).await?;
        self.ended = true;
        self.tell_end(outcome, tokens);
        Ok(())
    }

    async fn store_end(&self, records: Vec<Record>) -> Result<(), RelayError> {
        let stored = durable::store(&*self.recorder, records, &self.interception.id).await;
        stored.map_err(|error| {
            trace::failed(&self.span, error.code());
            error.into()
        })
    }

    fn tell_end(&mut self, outcome: Outcome, tokens: Option<(i64, i64, i64)>) {
        let Self { interception, attempts, timeline, watch, span, .. } = self;
        trace::ended(span, outcome);
        watch.on_event(&InterceptionEvent::Ended { interception, outcome, attempts, timeline });
        let (took, overhead) = (timeline.elapsed(), timeline.overhead());
        self.last_line = Some(LastLine { outcome, tokens, took, overhead });
    }

    /// One line for each interception, when the client has its answer: it need not wait for that.
    async fn log_end(&mut self) {
        let Some(LastLine { outcome, tokens, took, overhead }) = self.last_line.take() else { return };
        yield_once().await;
        let Self { interception, attempts, .. } = self;
        tracing::info!(
            id = %interception.id,
            actor = interception.initiator_id,
            client = interception.client,
            provider = interception.provider_name,
            route = interception.route,
            model = interception.model,
            streaming = interception.streaming,
            outcome = outcome.as_str(),
            error_type = outcome.error_type().map(ErrorType::as_str),
            status = attempts.status.map(|status| status.as_u16()),
            attempts = attempts.count,
            key = attempts.hint,
            input_tokens = tokens.map(|(input, _, _)| input),
            output_tokens = tokens.map(|(_, output, _)| output),
            cache_read_tokens = tokens.map(|(_, _, cached)| cached),
            milliseconds = took.as_millis() as u64,
            overhead_microseconds = overhead.as_micros() as u64,
            "interception ended"
        );
    }

    fn ended(
        &self,
        outcome: Outcome,
        provider_response_id: Option<String>,
        ended_at: Timestamp,
    ) -> InterceptionEnd {
        InterceptionEnd {
            interception_id: self.interception.id,
            outcome,
            upstream_status: self.attempts.status.map(|status| status.as_u16()),
            credential_hint: match self.interception.credential_kind {
                CredentialKind::Centralized => self.attempts.hint.clone(),
                CredentialKind::Byok => None,
            },
            provider_response_id,
            ended_at,
        }
    }

    async fn stopped(&mut self, stop: InterceptError) {
        let outcome = match &stop.why {
            // SDKs close the connection when they read an error: the answer failed all the same.
            RelayError::ClientGone if stop.learnt.ending == Ending::Failed => {
                Outcome::Failed(ErrorType::StreamError)
            }
            RelayError::ClientGone => Outcome::Cancelled,
            RelayError::Failed(error) => Outcome::Failed(error.error_type()),
        };
        let cannot_record = matches!(stop.why, RelayError::Failed(Error::RecorderUnavailable));
        let recorded = self.ended || (!cannot_record && self.end(outcome, stop.learnt).await.is_ok());
        if !recorded {
            let Self { interception, attempts, timeline, .. } = &*self;
            let outcome = Outcome::Failed(ErrorType::GatewayCrash);
            self.watch.on_event(&InterceptionEvent::Ended { interception, outcome, attempts, timeline });
        }
        match stop.why {
            RelayError::ClientGone => self.client.abort(),
            RelayError::Failed(error) if recorded => self.fail(&error, stop.error_event, true).await,
            RelayError::Failed(_) => self.fail(&Error::RecorderUnavailable, stop.error_event, false).await,
        }
    }

    /// Tells the client what went wrong: as an answer if there is none yet, else as an event. What is not recorded is
    /// never ended properly.
    async fn fail(&mut self, error: &Error, event: Option<Bytes>, recorded: bool) {
        if !self.client.has_begun() {
            return self.respond_with(error, Some(self.interception.id));
        }
        let told = match event {
            Some(event) => self.client.send(event).await.is_ok(),
            None => false,
        };
        if told && recorded { self.client.end().await } else { self.client.abort() }
    }

    fn respond_with(&mut self, error: &Error, recorded_as: Option<Uuid>) {
        let (mut parts, body) = error.to_response().into_parts();
        if let Some(id) = recorded_as {
            parts.headers.insert(headers::INTERCEPTION_ID, id_value(id));
        }
        self.client.respond(parts.status, parts.headers, body);
    }
}

fn id_value(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        .unwrap_or(HeaderValue::from_static(""))
}
