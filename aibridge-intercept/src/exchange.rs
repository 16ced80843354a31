//! The life of one interception: start records, upstream calls, end records. How a response is relayed is in
//! `response_relay`.

mod response_relay;

use crate::cost::{CostMeter, ResponseProgress};
use crate::durable::{self, END_TIMEOUT};
use crate::events::{EventSink, InterceptionEvent, OpenInterception, Timeline};
use crate::gateway::Gateway;
use crate::objects;
use crate::omission_log::OmissionLog;
use crate::relay::{Downstream, RelayError};
use crate::trace;
use aibridge_error::{Error, ErrorFormat, ErrorResponse};
use aibridge_headers::forwarding as headers;
use aibridge_observer::{Ending, ResponseSummary};
use aibridge_recorder::{
    CredentialKind, ErrorType, Interception, InterceptionEnd, Outcome, Record, Recorder, UsageCost,
    UserPrompt,
};
use aibridge_upstream::Upstream;
use aibridge_upstream::call::{Attempts, UpstreamCall};
use aibridge_upstream::response::{UpstreamResponse, yield_once};
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// One interception in flight. An interceptor uses it to call the provider and to relay the response to the client.
pub struct Exchange {
    interception: Arc<Interception>,
    recorder: Arc<dyn Recorder>,
    events: Arc<dyn EventSink>,
    omissions: Arc<OmissionLog>,
    downstream: Downstream,
    attempts: Attempts,
    timeline: Timeline,
    span: Span,
    start_timeout: Duration,
    /// `None` once the cost is known.
    cost_meter: Option<Box<dyn CostMeter>>,
    /// The format of error responses, which is that of the client's API.
    error_format: ErrorFormat,
    /// Tracks the tasks of the gateway.
    tasks: TaskTracker,
    /// The number of objects whose owner was recorded before the end.
    early_owners: usize,
    /// The end records are durable.
    is_end_recorded: bool,
    /// Whether the response broke off, rather than being ended by the provider.
    is_interrupted: bool,
    end_log: Option<EndLog>,
    _open: Option<Box<dyn OpenInterception>>,
}

/// The values of the log line at the end that are not stored elsewhere.
struct EndLog {
    outcome: Outcome,
    /// Input tokens, output tokens, and input tokens read from a cache.
    tokens: Option<(i64, i64, i64)>,
    elapsed: Duration,
    overhead: Duration,
}

/// The reason why an interception ended early, and the content of its response so far.
#[derive(Debug)]
pub struct InterceptError {
    /// The reason why the relay stopped.
    pub error: RelayError,
    /// The content of the response so far. It is recorded.
    pub summary: ResponseSummary,
    /// The error as an event of the API, for a client that already has the start of a stream.
    pub error_event: Option<Bytes>,
}

impl From<RelayError> for InterceptError {
    fn from(error: RelayError) -> Self {
        Self { error, summary: ResponseSummary::default(), error_event: None }
    }
}

impl Exchange {
    /// An exchange that belongs to the current span.
    pub(crate) fn new(
        gateway: &Gateway,
        downstream: Downstream,
        interception: Arc<Interception>,
        timeline: Timeline,
        cost_meter: Box<dyn CostMeter>,
        error_format: ErrorFormat,
    ) -> Self {
        let span = Span::current();
        trace::set_interception(&span, &interception);
        Self {
            _open: gateway.events.on_open(&interception),
            interception,
            recorder: gateway.recorder.clone(),
            events: gateway.events.clone(),
            omissions: gateway.omissions.clone(),
            downstream,
            attempts: Attempts::default(),
            timeline,
            span,
            start_timeout: gateway.start_timeout,
            cost_meter: Some(cost_meter),
            error_format,
            tasks: gateway.tasks.clone(),
            early_owners: 0,
            is_end_recorded: false,
            is_interrupted: false,
            end_log: None,
        }
    }

    /// Stores the start records. Nothing is sent to the provider before they are durable. Returns whether they are.
    pub(crate) async fn record_start(&self, prompt: Option<String>) -> bool {
        let interception = &*self.interception;
        let has_prompt = prompt.is_some();
        let mut records = vec![Record::Start(self.interception.clone())];
        records.extend(prompt.map(|prompt| {
            Record::Prompt(UserPrompt {
                id: Uuid::now_v7(),
                interception_id: interception.id,
                prompt,
                created_at: interception.started_at,
            })
        }));
        let hint = match interception.credential_kind {
            CredentialKind::Centralized => "<keypool-pending>",
            CredentialKind::Byok => &interception.credential_hint,
        };
        match timeout(self.start_timeout, self.recorder.record(records)).await {
            Ok(Ok(())) => {
                self.events.on_event(&InterceptionEvent::Started { interception, has_prompt });
                tracing::debug!(
                    id = %interception.id, route = interception.route, model = interception.model,
                    actor = interception.initiator_id, client = interception.client, key = hint,
                    "interception started"
                );
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "could not record the start of a request, so it was refused; check the store");
                false
            }
            Err(_) => {
                tracing::error!(
                    limit = ?self.start_timeout,
                    "the store did not record the start of a request in time, so it was refused; check the store"
                );
                false
            }
        }
    }

    /// Refuses a request whose start records could not be stored.
    ///
    /// A store that failed may have stored them all the same, so this closes the interception there. If it did not, it
    /// rejects an end without a start, and nothing is lost.
    pub(crate) async fn refuse_start(mut self) {
        self.events.on_event(&InterceptionEvent::StartRefused { interception: &self.interception });
        trace::set_error(&self.span, Error::RecorderUnavailable.code());
        self.respond_with(&Error::RecorderUnavailable, None);
        let outcome = Outcome::Failed(ErrorType::GatewayCrash);
        let ended = Record::End(self.ended(outcome, None, Timestamp::now()));
        let _ = timeout(END_TIMEOUT, self.recorder.record(vec![ended])).await;
    }

    /// Calls the provider.
    ///
    /// # Errors
    ///
    /// [`InterceptError`] if there is no response, the client disconnects, or the gateway stops.
    pub async fn call(
        &mut self,
        upstream: &Upstream,
        call: UpstreamCall,
    ) -> Result<UpstreamResponse, InterceptError> {
        let called_at = self.timeline.now();
        self.downstream.set_drain(upstream.drain_on_disconnect());
        // Boxed, so that a stream that lasts minutes does not keep the memory of the call's future.
        let calling = Box::pin(upstream.call(call, &mut self.attempts));
        let response = self.downstream.unless_stopped(calling).await;
        self.timeline.add_wait_since(called_at);
        response?.map_err(|error| RelayError::from(error).into())
    }

    /// Stores the end records. The end of the response is held back until they are durable.
    async fn record_end(&mut self, outcome: Outcome, summary: ResponseSummary) -> Result<(), RelayError> {
        let now = Timestamp::now();
        let charged = self.measure(&summary, now);
        // The client left before the end, which was read for its usage alone.
        let has_left = outcome == Outcome::Completed && self.downstream.is_draining();
        let outcome = if has_left { Outcome::Cancelled } else { outcome };
        let ended = self.ended(outcome, summary.response_id.clone(), now);
        self.events.on_event(&InterceptionEvent::ResponseRead {
            interception: &self.interception,
            summary: &summary,
            charged: charged.as_ref(),
        });
        if summary.omits_tool_calls {
            self.omissions.warn(&self.interception);
        }
        let tokens = summary.usage.as_ref().map(|usage| (usage.input, usage.output, usage.cache_read));
        trace::set_summary(&self.span, &summary);
        let owners: Vec<Record> = objects::owners(&self.interception, &summary.objects, now).collect();
        let mut records = summary.into_records(self.interception.id, charged, now);
        records.extend(owners);
        records.push(Record::End(ended));
        let span = trace::record_interception_ended_span(&self.span);
        self.store_end(records).instrument(span).await?;
        self.is_end_recorded = true;
        self.publish_end(outcome, tokens);
        Ok(())
    }

    /// Records the owner of the `objects` of a response that is not complete, because the client can use their ids at
    /// once. The event that contains them does not wait until the record is durable; if it cannot be stored, the end
    /// records contain it again.
    async fn record_owners_early(&mut self, objects: &[String]) {
        let new = objects.get(self.early_owners..).unwrap_or_default();
        if new.is_empty() || self.interception.credential_kind != CredentialKind::Centralized {
            return;
        }
        self.early_owners = objects.len();
        let owners: Vec<Record> = objects::owners(&self.interception, new, Timestamp::now()).collect();
        let recorder = self.recorder.clone();
        let mut recording = Box::pin(async move {
            if let Err(error) = recorder.record(owners).await {
                tracing::debug!(%error, "could not record the owner of an object before the end of its response");
            }
        });
        // The first poll already makes the owner known to this gateway.
        let is_recorded = poll_fn(|context| Poll::Ready(recording.as_mut().poll(context).is_ready())).await;
        if !is_recorded {
            self.tasks.spawn(recording);
        }
    }

    /// The cost of the response. Releases its reservation.
    fn measure(&mut self, summary: &ResponseSummary, now: Timestamp) -> Option<UsageCost> {
        let is_success = self.attempts.status.is_some_and(|status| status.is_success());
        let progress = ResponseProgress { is_success, is_complete: !self.is_interrupted };
        self.cost_meter.take()?.measure(&self.interception, summary, progress, now)
    }

    async fn store_end(&self, records: Vec<Record>) -> Result<(), RelayError> {
        let stored = durable::store(&*self.recorder, records, &self.interception.id).await;
        stored.map_err(|error| {
            trace::set_error(&self.span, error.code());
            error.into()
        })
    }

    fn publish_end(&mut self, outcome: Outcome, tokens: Option<(i64, i64, i64)>) {
        let Self { interception, attempts, timeline, events, span, .. } = self;
        trace::set_outcome(span, outcome);
        events.on_event(&InterceptionEvent::Ended { interception, outcome, attempts, timeline });
        let (elapsed, overhead) = (timeline.elapsed(), timeline.overhead());
        self.end_log = Some(EndLog { outcome, tokens, elapsed, overhead });
    }

    /// Writes the log line of an interception that has ended, once. The client does not wait for it.
    pub(crate) async fn log_end(&mut self) {
        let Some(EndLog { outcome, tokens, elapsed, overhead }) = self.end_log.take() else { return };
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
            milliseconds = elapsed.as_millis() as u64,
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

    /// Ends an interception whose response could not be relayed to its end.
    pub(crate) async fn fail(&mut self, failure: InterceptError) {
        let InterceptError { error, summary, error_event } = failure;
        let outcome = match &error {
            // SDKs close the connection when they read an error. So the response failed, rather than being cancelled.
            RelayError::ClientDisconnected if summary.ending == Ending::Failed => {
                Outcome::Failed(ErrorType::StreamError)
            }
            RelayError::ClientDisconnected => Outcome::Cancelled,
            RelayError::Failed(error) => Outcome::Failed(error.error_type()),
        };
        // A response that the provider ended itself was not interrupted, whatever is missing in it.
        let is_invalid = matches!(error, RelayError::Failed(Error::InvalidResponse));
        self.is_interrupted = !is_invalid && summary.ending != Ending::Failed;
        let cannot_record = matches!(error, RelayError::Failed(Error::EndUnrecorded));
        let is_recorded =
            self.is_end_recorded || (!cannot_record && self.record_end(outcome, summary).await.is_ok());
        if !is_recorded {
            let Self { interception, attempts, timeline, .. } = &*self;
            let outcome = Outcome::Failed(ErrorType::GatewayCrash);
            self.events.on_event(&InterceptionEvent::Ended { interception, outcome, attempts, timeline });
        }
        match error {
            RelayError::ClientDisconnected => self.downstream.abort(),
            RelayError::Failed(error) if is_recorded => self.send_error(&error, error_event, true).await,
            RelayError::Failed(_) => {
                let is_sent = self.attempts.count > 0;
                let error = if is_sent { Error::EndUnrecorded } else { Error::RecorderUnavailable };
                self.send_error(&error, error_event, false).await;
            }
        }
    }

    /// Sends an error to the client: as a response if none has begun, else as `event`. A response whose end is not
    /// recorded is aborted in any case, so that it never looks complete.
    async fn send_error(&mut self, error: &Error, event: Option<Bytes>, is_recorded: bool) {
        if !self.downstream.has_begun() {
            return self.respond_with(error, Some(self.interception.id));
        }
        let is_sent = match event {
            Some(event) => self.downstream.send(event).await.is_ok(),
            None => false,
        };
        if is_sent && is_recorded { self.downstream.end().await } else { self.downstream.abort() }
    }

    fn respond_with(&mut self, error: &Error, interception_id: Option<Uuid>) {
        let response = ErrorResponse::from(error).into_http(self.error_format, Some(self.interception.id));
        let (mut parts, body) = response.into_parts();
        if let Some(id) = interception_id {
            parts.headers.insert(headers::INTERCEPTION_ID, id_value(id));
        }
        self.downstream.respond(parts.status, parts.headers, body);
    }
}

fn id_value(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        .unwrap_or(HeaderValue::from_static(""))
}
