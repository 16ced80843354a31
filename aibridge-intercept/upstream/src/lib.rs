//! Calls a provider: connections, attempts, failover between keys.
//!
//! An [`Upstream`] is the endpoint of one provider. It takes an [`UpstreamCall`] and returns an [`UpstreamResponse`]. The
//! caller reads its chunks. A [`Guard`](guard::Guard) admits or rejects calls, and a [`Tap`](tap::Tap)
//! receives the traffic. No other crate sends requests to a provider.
//!
//! ```
//! use aibridge_json::{Edit, Json};
//! use aibridge_upstream::payload::Payload;
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(b"{ \"temperature\": 1.0e0, \"stream\": true }");
//! let [stream] = Json::object(&body, ["stream"])?;
//! let edit = Edit::replace(&body, stream.unwrap(), "false");
//! assert_eq!(Payload::edited(&body, vec![edit]).to_bytes(), "{ \"temperature\": 1.0e0, \"stream\": false }");
//! # Ok::<(), aibridge_json::JsonError>(())
//! ```

pub mod call;
pub mod guard;
pub mod payload;
pub mod request_body;
mod requested_model;
pub mod response;
pub mod tap;
pub mod trace;
pub mod upstream;

pub use call::UpstreamCall;
pub use requested_model::RequestedModel;
pub use response::UpstreamResponse;
pub use upstream::{ClientTls, ConnectionsError, Upstream};
