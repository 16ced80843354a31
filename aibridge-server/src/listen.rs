//! Accepts connections, serves HTTP on them, and closes them in order.
//!
//! A plain connection uses HTTP/1.1. A TLS connection uses the protocol that ALPN selects, HTTP/2 before HTTP/1.1. The
//! [`ListenerSettings`] are read once per connection, when it begins.

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
pub use settings::{ConnectionBounds, CurrentSettings, ListenerSettings};
pub use shutdown::ShutdownSignals;
