//! One request to a provider: what is sent, who pays, how long it may take.

use crate::credential::Credential;
use crate::guard::Guard;
use crate::payload::Payload;
use crate::tap::CallTap;
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// How long an upstream may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For a blocking answer as a whole, for a stream until its head.
    pub response: Duration,
    /// For silence between two chunks of a stream.
    pub stream_idle: Duration,
    /// For a connection without a request, until it is closed.
    pub keep_alive: Duration,
}

/// One request to the provider.
pub struct Call {
    /// Its method.
    pub method: Method,
    /// The path below the base URL, with its leading slash.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// All headers but the credential's.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: CallBody,
    /// The model that is asked: a rate limit is about it alone. None if the request names none, or is not read.
    pub model: Option<String>,
    /// Who pays.
    pub credential: Credential,
    /// How long the answer may take.
    pub timeout_scope: TimeoutScope,
    /// Whether it may be made at all.
    pub guard: Option<Arc<dyn Guard>>,
    /// What sees it on the wire.
    pub tap: Option<CallTap>,
}

/// A body to send.
#[derive(Debug)]
pub enum CallBody {
    /// Bytes that can be sent to one key after another.
    Replayable(Payload),
    /// A stream, for a call that has one attempt only.
    Once(Option<reqwest::Body>),
}

/// What `response_timeout` covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutScope {
    /// The answer as a whole.
    Whole,
    /// Its head; then `stream_idle_timeout` covers each silence.
    Head,
}

/// What happened on the way to an answer, also if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many requests were sent.
    pub count: u32,
    /// The hint of the key whose answer is relayed, or else the last one tried.
    pub hint: Option<String>,
    /// The status of the answer, or else the last one seen.
    pub status: Option<StatusCode>,
    /// Why no key of the pool was left, if it came to that, whether the provider's answer is relayed or not.
    pub exhausted: Option<PoolExhausted>,
}

/// Why no key of a pool was left for a call: what the relayed answer says, or else why the gateway answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolExhausted {
    /// A rate limit.
    RateLimited,
    /// The account has no credit.
    Quota,
    /// The request is too large for a limit, whatever others have used.
    TooLarge,
    /// The provider does not accept the keys (401).
    Rejected,
    /// The provider forbids the request (403).
    Forbidden,
}
