//! One call to a provider: the request, its credential and its timeouts.

use crate::guard::Guard;
use crate::payload::Payload;
use crate::requested_model::RequestedModel;
use crate::tap::CallTap;
use aibridge_headers::credential::Credential;
use http::{HeaderMap, Method, StatusCode};
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

/// The timeouts of an upstream.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The timeout of a new connection, TLS handshake included.
    pub connect: Duration,
    /// The timeout of a blocking response as a whole, or of the head of a stream.
    pub response: Duration,
    /// The longest time between two chunks of a stream.
    pub stream_idle: Duration,
    /// The time until an idle connection is closed.
    pub keep_alive: Duration,
    /// The time for which a response is read on for its usage after its client has left; zero drops it at once.
    pub drain_on_disconnect: Duration,
}

/// One call to a provider. With failover, it may take several requests.
pub struct UpstreamCall {
    /// The request's method.
    pub method: Method,
    /// The base URL, if it is not that of the upstream.
    pub base_url: Option<Url>,
    /// The path below the base URL, with its leading slash.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The request's headers, without the credential.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: CallBody,
    /// The requested model. In a body that is sent once, it is read while the body passes.
    pub model: RequestedModel,
    /// The credential that authenticates the request.
    pub credential: Credential,
    /// The part of the response that the response timeout covers.
    pub timeout_scope: TimeoutScope,
    /// Whether the provider limits the rate of such requests apart from others, so that a rate limit does not concern the
    /// key.
    pub has_separate_limits: bool,
    /// Admits or rejects the call.
    pub guard: Option<Arc<dyn Guard>>,
    /// Receives the traffic.
    pub tap: Option<CallTap>,
}

/// The body of a call.
#[derive(Debug)]
pub enum CallBody {
    /// Bytes that can be sent with one key after another.
    Replayable(Payload),
    /// A stream, for a call with one attempt. `None` once it is taken.
    Once(Option<reqwest::Body>),
}

impl CallBody {
    /// The model in the body, which `headers` describe. [`RequestedModel::Unread`] for a body that is sent once: its model
    /// is read while it passes.
    pub fn model(&self, headers: &HeaderMap) -> RequestedModel {
        match self {
            Self::Replayable(payload) => RequestedModel::in_payload(payload, headers),
            Self::Once(_) => RequestedModel::Unread,
        }
    }

    /// The payload of a replayable body.
    pub(crate) fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Replayable(payload) => Some(payload),
            Self::Once(_) => None,
        }
    }
}

/// The part of a response that `response_timeout` covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutScope {
    /// The response as a whole.
    Whole,
    /// The head of the response; then `stream_idle_timeout` covers each pause.
    Head,
}

/// The requests that a call has sent to the provider, with or without a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The number of requests that were sent.
    pub count: u32,
    /// The hint of the key whose response is relayed, or else of the last key that was tried.
    pub hint: Option<String>,
    /// The status of the relayed response, or else the last one received.
    pub status: Option<StatusCode>,
    /// The reason why all keys of the pool were exhausted, if they were: also when a provider's response is relayed.
    pub exhausted: Option<PoolExhausted>,
}

/// The reason why no key of a pool was left for a call: from the relayed response, or else from the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolExhausted {
    /// The keys are limited in rate.
    RateLimited,
    /// The account has no credit.
    Quota,
    /// The request exceeds a limit by its size alone.
    TooLarge,
    /// The provider does not accept the keys (401).
    Rejected,
    /// The provider forbids the request (403).
    Forbidden,
}
