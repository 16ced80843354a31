//! Accepts connections, serves HTTP on them, and closes them in order.
//!
//! A [`Listener`] accepts connections within a [`ConnectionLimit`] and calls an axum router for each request. A plain
//! connection uses HTTP/1.1; a TLS connection uses the protocol that ALPN selects, HTTP/2 before HTTP/1.1. The
//! [`ListenerSettings`] are read once per connection, when it begins.
//!
//! This crate adds to hyper:
//!
//! - timeouts for a head, an idle connection, a TLS handshake and a client that accepts no bytes;
//! - detection of a client that disconnects, whatever bytes follow its request;
//! - the refusal of requests with an invalid `Host` or an unsupported transfer coding;
//! - the last bytes of a failing HTTP/2 response before its reset;
//! - an orderly end in two steps: [`ShutdownSignals`].
//!
//! It contains nothing about providers, actors or records.

pub mod certificate;

mod activity;
mod connection_limit;
mod flush_before_reset;
mod head_timer;
mod http1;
mod http2;
mod listener;
mod peer;
mod progress;
mod read_ahead;
mod reject;
mod service;
mod settings;
mod shutdown;
mod streams;
mod tls;
mod write_timeout;

pub use connection_limit::ConnectionLimit;
pub use listener::Listener;
pub use peer::Peer;
pub use service::Refuse;
pub use settings::{ConnectionBounds, CurrentSettings, ListenerSettings};
pub use shutdown::ShutdownSignals;
