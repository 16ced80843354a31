//! Requests that are relayed unread: one call, one line in the log, and no record but the owner of what they made.

use crate::answer::{Answer, Gathered};
use crate::call::{Attempts, Call};
use crate::decoder::Decoder;
use crate::durable;
use crate::error::Error;
use crate::framing::Declared;
use crate::gateway::Gateway;
use crate::json::Json;
use crate::objects;
use crate::relay::{Client, RelayError};
use crate::upstream::Upstream;
use crate::watch::InterceptionEvent;
use crate::{headers, mask, trace};
use aibridge_recorder::CredentialKind;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use std::sync::Arc;
use tracing::Span;

/// The most that is held of an answer whose object is to be recorded. A conversation has at most a few kilobytes.
const OBJECT_AT_MOST: usize = 1 << 20;

/// Where a request is passed through to, and for whom.
#[derive(Debug, Clone)]
pub struct PassthroughTarget {
    /// The provider's configured name.
    pub provider: String,
    /// The matching entry of the provider's routes.
    pub route: &'static str,
    /// On whose behalf.
    pub actor: String,
    /// Whether a successful answer is an object that the request made: its owner is durable before the client has it.
    pub makes_object: bool,
}

/// One request on its way through.
pub(crate) struct Passage {
    gateway: Gateway,
    client: Client,
    passed: PassthroughTarget,
    /// What the client was answered.
    status: Option<StatusCode>,
}

impl Passage {
    pub(crate) fn new(gateway: Gateway, client: Client, passed: PassthroughTarget) -> Self {
        Self { gateway, client, passed, status: None }
    }

    /// Calls the provider, relays its answer, and logs how it ended.
    pub(crate) async fn run(mut self, upstream: Arc<Upstream>, call: Call) {
        let began = self.gateway.clock.now();
        let (method, path) = (call.method.clone(), call.path.clone());
        let mut attempts = Attempts::default();
        let outcome = match self.relay(&upstream, call, &mut attempts).await {
            Ok(()) => "completed",
            Err(RelayError::ClientGone) => "cancelled",
            Err(RelayError::Failed(error)) => {
                self.fail(&error);
                "failed"
            }
        };
        if self.client.has_begun() {
            self.client.abort(); // nothing, if the answer has ended
        }
        tracing::info!(
            actor = self.passed.actor,
            provider = self.passed.provider,
            %method,
            path = trace::cut(&mask::text(&path)),
            status = self.status.map(|status| status.as_u16()),
            outcome,
            attempts = attempts.count,
            key = attempts.hint,
            milliseconds = self.gateway.clock.now().duration_since(began).as_millis() as u64,
            "passed through"
        );
    }

    async fn relay(
        &mut self,
        upstream: &Upstream,
        call: Call,
        attempts: &mut Attempts,
    ) -> Result<(), RelayError> {
        let (credential, method) = (call.credential.kind(), call.method.clone());
        let answered = self.client.unless_stopped(upstream.call(call, attempts)).await;
        let PassthroughTarget { provider, route, .. } = &self.passed;
        let seen =
            InterceptionEvent::PassedThrough { provider, route, method: &method, credential, attempts };
        self.gateway.watch.on_event(&seen);
        let mut answer = answered??;
        let status = answer.response.status();
        let mut head =
            headers::to_client(answer.response.headers(), credential == CredentialKind::Centralized);
        if status.is_success() && Declared::by(answer.response.headers()) == Declared::Events {
            headers::add_streaming(&mut head);
        }
        self.status = Some(status);
        self.client.begin(status, head, length(&answer.response, method == Method::HEAD));
        if self.passed.makes_object && status.is_success() && !self.relay_object(&mut answer).await? {
            self.client.end().await;
            return Ok(());
        }
        while let Some(chunk) = self.client.unless_stopped(answer.chunks()).await?? {
            self.client.send(chunk).await?;
        }
        self.client.end().await;
        Ok(())
    }

    /// Holds the object that an answer is until its owner is durable. Whether more of the answer is to come: an answer
    /// that is far too long for an object goes on unread.
    async fn relay_object(&mut self, answer: &mut Answer) -> Result<bool, RelayError> {
        let mut held = Gathered::default();
        while held.len() <= OBJECT_AT_MOST {
            match self.client.unless_stopped(answer.chunks()).await? {
                Ok(Some(chunk)) => held.push(chunk),
                Ok(None) => {
                    let body = held.into_bytes();
                    self.record_owner(answer.response.headers(), &body).await?;
                    self.client.send(body).await?;
                    return Ok(false);
                }
                Err(error) => {
                    self.client.send(held.into_bytes()).await?;
                    return Err(error.into());
                }
            }
        }
        tracing::warn!(
            provider = self.passed.provider,
            "an answer is too long to be an object: it has no owner"
        );
        self.client.send(held.into_bytes()).await?;
        Ok(true)
    }

    async fn record_owner(&self, headers: &HeaderMap, body: &Bytes) -> Result<(), Error> {
        let Some(object) = decoded(headers, body) else {
            tracing::warn!(
                provider = self.passed.provider,
                "could not decode an object, so its owner is not recorded"
            );
            return Ok(());
        };
        let id = Json::parse(&object).and_then(|object| object.member("id")).and_then(Json::non_empty_string);
        let Some(id) = id else { return Ok(()) };
        let PassthroughTarget { provider, actor, .. } = &self.passed;
        let Some(owner) = objects::owner(provider, actor, &id, Timestamp::now()) else { return Ok(()) };
        durable::store(&*self.gateway.recorder, vec![owner], &id).await
    }

    /// Answers an error, if there is no answer yet.
    fn fail(&mut self, error: &Error) {
        trace::failed(&Span::current(), error.error_type().as_str());
        if !self.client.has_begun() {
            let (parts, body) = error.to_response().into_parts();
            self.status = Some(parts.status);
            self.client.respond(parts.status, parts.headers, body);
        }
    }
}

/// The body without its `Content-Encoding`, `None` if it cannot be decoded.
fn decoded(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    match Decoder::of(headers) {
        Ok(None) => Some(body.clone()),
        Ok(Some(mut decoder)) => decoder.decode(body).ok(),
        Err(_) => None,
    }
}

/// The length to announce: of the body, or of the one that there would be (RFC 9110 §8.6).
fn length(response: &reqwest::Response, is_head: bool) -> Option<u64> {
    match response.status() {
        StatusCode::NO_CONTENT => None,
        status if is_head || status == StatusCode::NOT_MODIFIED => {
            response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
        }
        _ => response.content_length(),
    }
}
