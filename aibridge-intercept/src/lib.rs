//! The core that every interceptor shares.
//!
//! A dialect parses a client's [`Request`] into a [`ParsedRequest`], a provider makes an [`Interceptor`] of it, and a
//! [`Gateway`] runs the interceptor. The gateway stores the start records, [calls the provider](Upstream), and relays
//! the response while an [`Observer`] reads it. It holds the last bytes back until the end records are durable.
//!
//! ```text
//!  Request ──> Interceptor ──────────> start records     no request leaves without a record
//!                   │
//!          Interceptor::process ─────> Upstream::call    the only failover loop
//!                   │
//!          Exchange::relay_response ─> Observer          a blocking response is a stream with one event
//!                   │
//!           ResponseSummary ─────────> end records ──> last bytes     no response ends without a record
//! ```
//!
//! Bodies are bytes: a [`Payload`](payload::Payload) splices edits into the original, and nothing is serialised again.
//! Interceptors never get a key; providers never parse a stream.
//!
//! Traits for the programs around this crate: an [`EventSink`](events::EventSink) receives what happens to interceptions,
//! a [`CostMeter`](cost::CostMeter) computes their costs, a [`Tap`](tap::Tap) receives the traffic with a provider, and a
//! [`Guard`](guard::Guard) admits or rejects calls.
//!
//! ```
//! use aibridge_intercept::payload::Payload;
//! use aibridge_json::{Edit, Json};
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(b"{ \"temperature\": 1.0e0, \"stream\": true }");
//! let [stream] = Json::object(&body, ["stream"])?;
//! let edit = Edit::replace(&body, stream.unwrap(), "false");
//! assert_eq!(Payload::edited(&body, vec![edit]).to_bytes(), "{ \"temperature\": 1.0e0, \"stream\": false }");
//! # Ok::<(), aibridge_intercept::Error>(())
//! ```

pub mod cost;
mod durable;
pub mod events;
pub mod exchange;
pub mod gateway;
mod intercept;
pub mod interceptor;
pub mod objects;
mod omission_log;
pub mod passthrough;
mod passthrough_usage;
pub mod prompt;
pub mod relay;
pub mod trace;
pub mod warn_throttle;

pub use aibridge_client as client;
pub use aibridge_error::{Error, ErrorFormat, ErrorKind, ErrorResponse, error, error_response};
pub use aibridge_headers::{actor, actor::Actor, credential, forwarding as headers, mask};
pub use aibridge_observer::{
    EventAction, Observer, ResponseSummary, assembly, budget, encoding, in_band, observer, usage,
};
pub use aibridge_upstream::{
    ClientTls, ConnectionsError, Upstream, UpstreamCall, call, guard, payload, request_body, response, tap,
    upstream,
};
pub use exchange::{Exchange, InterceptError};
pub use gateway::Gateway;
pub use interceptor::{
    Interceptor, ParsedRequest, Request, RequestBody, SingleCallInterceptor, checked_model,
};
