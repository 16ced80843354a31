//! The life of one interception: recorded, answered, ended.

use crate::answer::{Answer, Gathered, HELD_AT_MOST, give_way, is_stream, readable};
use crate::call::{Attempts, Call};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::headers;
use crate::interceptor::Interceptor;
use crate::observer::{Ending, Learnt, Observer, Verdict};
use crate::relay::{Batch, Client, Why};
use crate::sse::{Event, Splitter};
use crate::trace;
use crate::upstream::{Upstream, refusal};
use crate::watch::{Held, Seen, Timeline, Watch};
use aibridge_recorder::{
    CredentialKind, Ended, ErrorType, Interception, Outcome, Record, Recorder, UserPrompt,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{Instrument, Span};
use uuid::Uuid;

/// An end that the store does not take is held for so long, and then cut.
const END_WITHIN: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One interception under way: what an interceptor calls the provider and answers the client with.
pub struct Exchange {
    interception: Arc<Interception>,
    recorder: Arc<dyn Recorder>,
    watch: Arc<dyn Watch>,
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
pub struct Stop {
    /// Why.
    pub why: Why,
    /// What is recorded all the same.
    pub learnt: Learnt,
    /// How the API tells it in the middle of a stream.
    pub error_event: Option<Bytes>,
}

impl From<Why> for Stop {
    fn from(why: Why) -> Self {
        Self { why, learnt: Learnt::default(), error_event: None }
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
            self.watch.saw(&Seen::Refused { interception: &self.interception });
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
        let mut records = vec![Record::Started(self.interception.clone())];
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
                self.watch.saw(&Seen::Started { interception, prompt: prompt.is_some() });
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
        let ended = Record::Ended(self.ended(outcome, None, Timestamp::now()));
        let _ = timeout(END_WITHIN, self.recorder.record(vec![ended])).await;
    }

    /// Calls the provider.
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is time to stop.
    pub async fn call(&mut self, upstream: &Upstream, call: Call) -> Result<Answer, Stop> {
        let asked_at = self.timeline.now();
        // Boxed, so that a stream that goes on for minutes does not keep the room that the call took.
        let answer = self.client.unless_stopped(Box::pin(upstream.call(call, &mut self.attempts))).await;
        self.timeline.waited_since(asked_at);
        answer?.map_err(|error| Why::from(error).into())
    }

    /// Relays `answer` past `observer`, and ends the interception with what was learnt.
    ///
    /// # Errors
    ///
    /// If it broke off, or it is time to stop.
    pub async fn answer(
        &mut self,
        mut answer: Answer,
        mut observer: Box<dyn Observer>,
        streaming: bool,
    ) -> Result<(), Stop> {
        let relayed = if is_stream(&answer, streaming) {
            self.relay_stream(&mut answer, &mut *observer).await
        } else {
            self.relay_whole(&mut answer, &mut *observer).await
        };
        relayed.map_err(|why| Stop {
            error_event: match &why {
                Why::Failed(error) => Some(observer.error_event(error)),
                Why::ClientGone => None,
            },
            learnt: if self.ended { Learnt::default() } else { observer.finish() },
            why,
        })
    }

    async fn relay_stream(&mut self, answer: &mut Answer, observer: &mut dyn Observer) -> Result<(), Why> {
        let mut head = self.answer_headers(answer);
        headers::add_streaming(&mut head);
        self.client.begin(answer.response.status(), head, None);
        let mut splitter = Splitter::default();
        while let Some(chunk) = self.next_chunk(answer).await? {
            let mut batch = Batch::of(chunk.clone());
            splitter.push(chunk);
            while let Some(event) = splitter.next_event() {
                match observer.event(&event) {
                    Verdict::Relay => batch.push(event.raw),
                    Verdict::Withhold => {}
                    Verdict::Terminal => {
                        answer.complete();
                        self.send(batch.take()).await?;
                        self.end_with(observer).await?;
                        batch.push(event.raw);
                        batch.push(splitter.take_rest());
                        self.send(batch.take()).await?;
                        self.log_end().await;
                        return self.relay_rest(answer).await;
                    }
                }
            }
            self.send(batch.take()).await?;
            if splitter.pending() > HELD_AT_MOST {
                return Err(Error::AnswerTooLarge(HELD_AT_MOST).into());
            }
        }
        let tail = Event::from(splitter.take_rest());
        observer.event(&tail);
        self.end_with(observer).await?;
        self.send(vec![tail.raw]).await?;
        self.client.end().await;
        Ok(())
    }

    /// Behind the terminal event everything is recorded and the client has what it wants: what still comes passes
    /// unread, and however it ends is a proper end.
    async fn relay_rest(&mut self, answer: &mut Answer) -> Result<(), Why> {
        while let Ok(Some(chunk)) = self.next_chunk(answer).await {
            self.client.send(chunk).await?;
        }
        self.client.end().await;
        Ok(())
    }

    async fn relay_whole(&mut self, answer: &mut Answer, observer: &mut dyn Observer) -> Result<(), Why> {
        let mut held = Gathered::default();
        while let Some(chunk) = self.next_chunk(answer).await.map_err(unanswered)? {
            held.push(chunk);
            if held.len() > HELD_AT_MOST {
                return Err(Error::AnswerTooLarge(HELD_AT_MOST).into());
            }
        }
        let body = held.into_bytes();
        let status = answer.response.status();
        if status.is_success() {
            observer.body(&readable(answer.response.headers(), &body));
        }
        let learnt = observer.finish();
        let error_type = refusal::error_type(status, answer.response.headers(), &body);
        let outcome = match (error_type, learnt.ending) {
            (Some(error_type), _) => Outcome::Failed(error_type),
            (None, Ending::Failed) => Outcome::Failed(ErrorType::StreamError),
            (None, Ending::Complete | Ending::Missing) => Outcome::Completed,
        };
        self.end(outcome, learnt).await?;
        self.client.respond(status, self.answer_headers(answer), body);
        Ok(())
    }

    async fn next_chunk(&mut self, answer: &mut Answer) -> Result<Option<Bytes>, Why> {
        let asked_at = self.timeline.now();
        let chunk = self.client.unless_stopped(answer.chunks()).await;
        self.timeline.waited_since(asked_at);
        Ok(chunk??)
    }

    async fn send(&mut self, pieces: Vec<Bytes>) -> Result<(), Why> {
        let asked_at = self.timeline.now();
        for piece in pieces {
            self.client.send(piece).await?;
            self.timeline.byte_sent();
        }
        self.timeline.waited_since(asked_at);
        Ok(())
    }

    fn answer_headers(&self, answer: &Answer) -> HeaderMap {
        let centralized = self.interception.credential_kind == CredentialKind::Centralized;
        let mut headers = headers::to_client(answer.response.headers(), centralized);
        headers.insert(headers::INTERCEPTION_ID, id_value(self.interception.id));
        headers
    }

    /// Ends a stream by what its observer saw.
    async fn end_with(&mut self, observer: &mut dyn Observer) -> Result<(), Why> {
        let learnt = observer.finish();
        let outcome = match learnt.ending {
            Ending::Complete => Outcome::Completed,
            Ending::Failed | Ending::Missing => Outcome::Failed(ErrorType::StreamError),
        };
        self.end(outcome, learnt).await
    }

    /// Records the end; the end of the answer is held until this is durable.
    async fn end(&mut self, outcome: Outcome, learnt: Learnt) -> Result<(), Why> {
        let now = Timestamp::now();
        let ended = self.ended(outcome, learnt.response_id.clone(), now);
        self.watch.saw(&Seen::Learnt { interception: &self.interception, learnt: &learnt });
        let tokens = learnt.usage.as_ref().map(|usage| (usage.input, usage.output, usage.cache_read));
        trace::learnt(&self.span, &learnt);
        let mut records = learnt.into_records(self.interception.id, now);
        records.push(Record::Ended(ended));
        let span = trace::record_interception_ended(&self.span);
        self.store_end(records).instrument(span).await?;
        self.ended = true;
        self.tell_end(outcome, tokens);
        Ok(())
    }

    async fn store_end(&self, records: Vec<Record>) -> Result<(), Why> {
        let deadline = Instant::now() + END_WITHIN;
        let mut pause = FIRST_PAUSE;
        loop {
            match timeout_at(deadline, self.recorder.record(records.clone())).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    tracing::error!(id = %self.interception.id, %error, "an end could not be recorded: it is held");
                }
                Err(_) => {
                    tracing::error!(id = %self.interception.id, "an end could not be recorded: its answer is cut");
                    trace::failed(&self.span, Error::RecorderUnavailable.code());
                    return Err(Error::RecorderUnavailable.into());
                }
            }
            sleep_until((Instant::now() + pause).min(deadline)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell_end(&mut self, outcome: Outcome, tokens: Option<(i64, i64, i64)>) {
        let Self { interception, attempts, timeline, watch, span, .. } = self;
        trace::ended(span, outcome);
        watch.saw(&Seen::Ended { interception, outcome, attempts, timeline });
        let (took, overhead) = (timeline.elapsed(), timeline.overhead());
        self.last_line = Some(LastLine { outcome, tokens, took, overhead });
    }

    /// One line for each interception, when the client has its answer: it need not wait for that.
    async fn log_end(&mut self) {
        let Some(LastLine { outcome, tokens, took, overhead }) = self.last_line.take() else { return };
        give_way().await;
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

    fn ended(&self, outcome: Outcome, provider_response_id: Option<String>, ended_at: Timestamp) -> Ended {
        Ended {
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

    async fn stopped(&mut self, stop: Stop) {
        let outcome = match &stop.why {
            Why::ClientGone => Outcome::Cancelled,
            Why::Failed(error) => Outcome::Failed(error.error_type()),
        };
        let cannot_record = matches!(stop.why, Why::Failed(Error::RecorderUnavailable));
        let recorded = self.ended || (!cannot_record && self.end(outcome, stop.learnt).await.is_ok());
        if !recorded {
            let Self { interception, attempts, timeline, .. } = &*self;
            let outcome = Outcome::Failed(ErrorType::GatewayCrash);
            self.watch.saw(&Seen::Ended { interception, outcome, attempts, timeline });
        }
        match stop.why {
            Why::ClientGone => self.client.abort(),
            Why::Failed(error) if recorded => self.fail(&error, stop.error_event, true).await,
            Why::Failed(_) => self.fail(&Error::RecorderUnavailable, stop.error_event, false).await,
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

/// Of a blocking answer that breaks off the client sees nothing: to it, and to the record, there was none.
fn unanswered(why: Why) -> Why {
    match why {
        Why::Failed(Error::UpstreamBroken) => {
            Error::UpstreamUnreachable("the connection broke before the answer was complete".to_owned())
                .into()
        }
        other => other,
    }
}

fn id_value(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        .unwrap_or(HeaderValue::from_static(""))
}
