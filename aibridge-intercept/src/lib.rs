//! The core that every interceptor shares.
//!
//! A client's [`Request`] becomes an [`Interceptor`] (made by a provider, from what a dialect [`ParsedRequest`]), and a
//! [`Gateway`] runs it: the start is recorded, the provider is [called](Upstream), the answer is
//! relayed while an [`Observer`] reads it on the side, and its last bytes are held until what was learnt is durable.
//!
//! ```text
//!  Request ──> Interceptor::asked ──> Recorder           nothing leaves without a record
//!                      │
//!              Interceptor::process ──> Upstream::call   the only failover loop
//!                      │
//!              Exchange::answer ──> Observer ──> client  blocking is a stream with one event
//!                      │
//!                  Learnt ──> Recorder ──> last bytes    nothing arrives without a record
//! ```
//!
//! The body is bytes: edits are [splices](payload::Payload), reading is [looking](json::Json), and nothing is
//! ever serialised anew. Interceptors never see a key; providers never parse a stream.
//!
//! ```
//! use aibridge_intercept::json::{Edit, Json};
//! use aibridge_intercept::payload::Payload;
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(b"{ \"temperature\": 1.0e0, \"stream\": true }");
//! let [stream] = Json::object(&body, ["stream"])?;
//! let edit = Edit::replace(&body, stream.unwrap(), "false");
//! assert_eq!(Payload::edited(&body, vec![edit]).to_bytes(), "{ \"temperature\": 1.0e0, \"stream\": false }");
//! # Ok::<(), aibridge_intercept::Error>(())
//! ```

pub mod actor;
pub mod answer;
pub mod call;
pub mod capped;
pub mod client;
pub mod credential;
mod decoder;
mod durable;
pub mod encoding;
pub mod error;
pub mod exchange;
mod framing;
pub mod gateway;
pub mod guard;
pub mod headers;
pub mod in_band;
pub mod interceptor;
pub mod json;
mod json_end;
pub mod mask;
pub mod objects;
pub mod observer;
pub mod passthrough;
pub mod payload;
pub mod rate_limit;
mod reading;
pub mod relay;
pub mod request_body;
pub mod scan;
pub mod sse;
pub mod tap;
pub mod trace;
pub mod upstream;
pub mod usage;
pub mod watch;

pub use actor::Actor;
pub use call::Call;
pub use error::Error;
pub use exchange::{Exchange, InterceptError};
pub use gateway::Gateway;
pub use interceptor::{Interceptor, OneCall, ParsedRequest, Request, RequestBody};
pub use observer::{EventAction, Observer, ResponseSummary};
pub use upstream::Upstream;
