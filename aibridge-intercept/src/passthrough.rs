//! Requests that are relayed without being read: one call, one log line, and no record except the owner of a new object.

use crate::durable;
use crate::events::InterceptionEvent;
use crate::gateway::Gateway;
use crate::objects;
use crate::passthrough_usage::UsageReader;
use crate::relay::{Downstream, RelayError, ResponseBody};
use crate::trace;
use aibridge_error::{Error, ErrorFormat, ErrorResponse};
use aibridge_headers::actor::Actor;
use aibridge_headers::{forwarding as headers, mask};
use aibridge_json::{Json, LenientText};
use aibridge_observer::decoder::Decoder;
use aibridge_observer::framing::DeclaredFraming;
use aibridge_recorder::CredentialKind;
use aibridge_upstream::Upstream;
use aibridge_upstream::call::{Attempts, UpstreamCall};
use aibridge_upstream::response::{ChunkBuffer, UpstreamResponse};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use jiff::Timestamp;
use std::sync::Arc;
use tracing::{Instrument, Span};

/// The most bytes of a new object that are buffered until its owner is recorded. A conversation usually has a few
/// kilobytes; its metadata can make it larger.
const MAX_OBJECT_BYTES: usize = 8 << 20;

/// The destination of a request that is passed through, and its actor.
#[derive(Debug, Clone)]
pub struct PassthroughTarget {
    /// The provider's configured name.
    pub provider: String,
    /// The matching entry of the provider's routes.
    pub route: Arc<str>,
    /// Whether the usage in a JSON response is reported to the event sink.
    pub reads_usage: bool,
    /// The actor on whose behalf the request is made.
    pub actor: Actor,
    /// The format of error responses, which is that of the client's API.
    pub error_format: ErrorFormat,
    /// Whether a successful response is an object that the request created. Its owner is durable before the client gets
    /// the object.
    pub creates_object: bool,
}

impl Gateway {
    /// Relays a response without reading it. Nothing of it is recorded except the owner of an object that the request
    /// created.
    pub async fn pass_through(
        &self,
        target: PassthroughTarget,
        upstream: Arc<Upstream>,
        call: UpstreamCall,
    ) -> Response<ResponseBody> {
        let (downstream, response) = Downstream::new(self.abort.clone());
        let format = target.error_format;
        let exchange = PassthroughExchange { gateway: self.clone(), downstream, target, status: None };
        self.tasks.spawn(exchange.run(upstream, call).in_current_span());
        response.await.unwrap_or_else(|_| {
            ErrorResponse::from(Error::Internal).into_http(format, None).map(ResponseBody::from)
        })
    }
}

/// One request in flight.
struct PassthroughExchange {
    gateway: Gateway,
    downstream: Downstream,
    target: PassthroughTarget,
    /// The status of the client's response.
    status: Option<StatusCode>,
}

impl PassthroughExchange {
    /// Calls the provider, relays its response, and logs the outcome.
    async fn run(mut self, upstream: Arc<Upstream>, call: UpstreamCall) {
        let begun_at = self.gateway.clock.now();
        let (method, path) = (call.method.clone(), call.path.clone());
        let mut attempts = Attempts::default();
        let outcome = match self.relay(&upstream, call, &mut attempts).await {
            Ok(()) => "completed",
            Err(RelayError::ClientDisconnected) => "cancelled",
            Err(RelayError::Failed(error)) => {
                self.fail(&error);
                "failed"
            }
        };
        if self.downstream.has_begun() {
            self.downstream.abort(); // has no effect after a complete response
        }
        tracing::info!(
            actor = self.target.actor.id,
            provider = self.target.provider,
            %method,
            path = trace::truncate(&mask::text(&path)),
            status = self.status.map(|status| status.as_u16()),
            outcome,
            attempts = attempts.count,
            key = attempts.hint,
            milliseconds = self.gateway.clock.now().duration_since(begun_at).as_millis() as u64,
            "passed through"
        );
    }

    async fn relay(
        &mut self,
        upstream: &Upstream,
        call: UpstreamCall,
        attempts: &mut Attempts,
    ) -> Result<(), RelayError> {
        let (credential, method) = (call.credential.kind(), call.method.clone());
        let response = self.downstream.unless_stopped(upstream.call(call, attempts)).await;
        let PassthroughTarget { provider, route, .. } = &self.target;
        let event =
            InterceptionEvent::PassedThrough { provider, route, method: &method, credential, attempts };
        self.gateway.events.on_event(&event);
        let mut response = response??;
        let status = response.http.status();
        let mut headers =
            headers::response_headers(response.http.headers(), credential == CredentialKind::Centralized);
        if status.is_success() && DeclaredFraming::of(response.http.headers()) == DeclaredFraming::Events {
            headers::add_streaming(&mut headers);
        }
        self.status = Some(status);
        self.downstream.begin(status, headers, length(&response.http, method == Method::HEAD));
        if self.target.creates_object && status.is_success() && !self.relay_object(&mut response).await? {
            self.downstream.end().await;
            return Ok(());
        }
        let mut usage = self.target.reads_usage.then(|| UsageReader::new(response.http.headers()));
        while let Some(chunk) = self.downstream.unless_stopped(response.next_chunk()).await?? {
            usage.iter_mut().for_each(|usage| usage.push(&chunk));
            self.downstream.send(chunk).await?;
        }
        if let Some((model, usage)) = usage.and_then(UsageReader::finish) {
            let PassthroughTarget { provider, actor, .. } = &self.target;
            let event = InterceptionEvent::PassthroughUsage {
                provider,
                actor,
                credential,
                model: model.as_deref(),
                usage: &usage,
            };
            self.gateway.events.on_event(&event);
        }
        self.downstream.end().await;
        Ok(())
    }

    /// Holds the response back until the owner of the object in it is durable. Returns whether more of the response
    /// follows: a response that is far too large for an object is relayed without an owner.
    async fn relay_object(&mut self, response: &mut UpstreamResponse) -> Result<bool, RelayError> {
        let mut buffer = ChunkBuffer::default();
        while buffer.as_slice().len() <= MAX_OBJECT_BYTES {
            match self.downstream.unless_stopped(response.next_chunk()).await? {
                Ok(Some(chunk)) => buffer.push(chunk),
                Ok(None) => {
                    let body = buffer.into_bytes();
                    self.record_owner(response.http.headers(), &body).await?;
                    self.downstream.send(body).await?;
                    return Ok(false);
                }
                Err(error) => {
                    self.downstream.send(buffer.into_bytes()).await?;
                    return Err(error.into());
                }
            }
        }
        tracing::warn!(
            provider = self.target.provider,
            limit = MAX_OBJECT_BYTES,
            "a response is too large for an object, so its owner is not recorded"
        );
        self.downstream.send(buffer.into_bytes()).await?;
        Ok(true)
    }

    async fn record_owner(&self, headers: &HeaderMap, body: &Bytes) -> Result<(), Error> {
        let Some(object) = decode(headers, body) else {
            tracing::warn!(
                provider = self.target.provider,
                "could not decode the content encoding of an object, so its owner is not recorded"
            );
            return Ok(());
        };
        let text = LenientText::new(&object);
        let id = text.json().and_then(|object| object.member("id")).and_then(Json::non_empty_string);
        let Some(id) = id else { return Ok(()) };
        let PassthroughTarget { provider, actor, .. } = &self.target;
        let Some(owner) = objects::owner(provider, &actor.id, &id, Timestamp::now()) else { return Ok(()) };
        durable::store(&*self.gateway.recorder, vec![owner], &id).await
    }

    /// Sends an error to the client if no response has begun.
    fn fail(&mut self, error: &Error) {
        trace::set_error(&Span::current(), error.error_type().as_str());
        if !self.downstream.has_begun() {
            let response = ErrorResponse::from(error).into_http(self.target.error_format, None);
            let (parts, body) = response.into_parts();
            self.status = Some(parts.status);
            self.downstream.respond(parts.status, parts.headers, body);
        }
    }
}

/// Decodes `body` by its `Content-Encoding`; `None` if that is not possible.
fn decode(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    match Decoder::of(headers) {
        Ok(None) => Some(body.clone()),
        Ok(Some(mut decoder)) => decoder.decode(body).ok(),
        Err(_) => None,
    }
}

/// The `Content-Length` to send: that of the body, or of the body that a GET would return (RFC 9110 §8.6).
fn length(response: &reqwest::Response, is_head: bool) -> Option<u64> {
    match response.status() {
        StatusCode::NO_CONTENT => None,
        status if is_head || status == StatusCode::NOT_MODIFIED => {
            response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
        }
        _ => response.content_length(),
    }
}
