//! Both ends of a connection for tests, exact to the byte: a scripted provider, and clients.
//!
//! - [`ScriptedProvider`]: a provider on a free port that responds by a [`Script`], including every kind of failure.
//! - [`RawClient`]: an HTTP/1.1 client that sends exact bytes and returns how a response ended.
//! - [`Authority`], [`H2Client`]: certificates, and an HTTP/2 client that returns how a stream ended.
//! - [`TlsFront`]: a server that terminates TLS in front of a provider.
//! - [`Gate`] and [`wait_until`]: synchronisation without sleeps.
//!
//! All functions panic on an unexpected result, and wait at most [`MAX_WAIT`]. This crate does not depend on the gateway.
//!
//! ```
//! use aibridge_testkit_wire::{RawClient, Script, ScriptedProvider, block_on};
//!
//! block_on(async {
//!     let mut provider = ScriptedProvider::start(|_| Script::json(200, r#"{"object":"list"}"#)).await;
//!     let response = RawClient::get(provider.address(), "/v1/models").await;
//!
//!     assert_eq!((response.status(), response.text()), (200, r#"{"object":"list"}"#));
//!     assert_eq!(provider.next_received().await.target, "/v1/models");
//! });
//! ```
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop"
)]

mod body;
mod certificates;
mod client;
mod connection;
mod gate;
mod h2;
mod provider;
mod received;
mod script;
mod tls_front;
mod traffic_log;
mod wait;
mod wire;

pub use certificates::{Authority, IssuedCertificate, tls_connect};
pub use client::{BodyEnd, Head, RawClient, Response, request};
pub use gate::Gate;
pub use h2::{H2Client, H2End, H2Stream};
pub use provider::ScriptedProvider;
pub use received::ReceivedRequest;
pub use script::{Framing, Script, Step};
pub use tls_front::TlsFront;
pub use traffic_log::ConnectionEnd;
pub use wait::{MAX_WAIT, block_on, poll_until, wait_at_most, wait_for, wait_until, within};
