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
//! Seams for the programs around this crate: an [`EventSink`](events::EventSink) receives what happens to interceptions,
//! a [`Tap`](tap::Tap) receives the traffic with a provider, and a [`Guard`](guard::Guard) admits or rejects calls.
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

pub mod actor;
pub mod assembly;
pub mod budget;
pub mod call;
pub mod client;
pub mod credential;
mod decoder;
mod durable;
pub mod encoding;
pub mod error;
pub mod error_response;
pub mod events;
pub mod exchange;
mod framing;
pub mod gateway;
pub mod guard;
pub mod headers;
pub mod in_band;
mod intercept;
pub mod interceptor;
pub mod mask;
pub mod objects;
pub mod observer;
pub mod passthrough;
pub mod payload;
pub mod prompt;
pub mod rate_limit;
pub mod relay;
pub mod request_body;
pub mod response;
mod response_reader;
pub mod tap;
pub mod trace;
pub mod upstream;
pub mod usage;
pub mod warn_throttle;

pub use actor::Actor;
pub use call::UpstreamCall;
pub use error::Error;
pub use error_response::ErrorResponse;
pub use exchange::{Exchange, InterceptError};
pub use gateway::Gateway;
pub use interceptor::{Interceptor, ParsedRequest, Request, RequestBody, SingleCallInterceptor};
pub use observer::{EventAction, Observer, ResponseSummary};
pub use upstream::Upstream;
