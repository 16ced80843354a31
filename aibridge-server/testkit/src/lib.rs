//! The environment of a gateway under test: providers, clients, databases and certificates, exact to the byte.
//!
//! - [`ScriptedProvider`]: a provider on a free port that responds by a [`Script`], including every kind of failure.
//! - [`RawClient`]: an HTTP/1.1 client that sends exact bytes and returns how a response ended.
//! - [`Launch`] and [`Gateway`]: the real binary, started in a temporary directory.
//! - [`Authority`], [`H2Client`]: certificates, and an HTTP/2 client that returns how a stream ended.
//! - [`TlsFront`]: a server that terminates TLS in front of a provider.
//! - [`Store`]: the SQLite file of a gateway, read by the test.
//! - [`Postgres`]: a PostgreSQL server that a test starts, stops and crashes.
//! - [`Txtar`]: recorded traffic; [`fixtures_dir`] returns the directory of recordings outside the repository.
//! - [`Gate`] and [`wait_until`]: synchronisation without sleeps.
//!
//! All functions panic on an unexpected result, and wait at most [`MAX_WAIT`].
//!
//! ```
//! use aibridge_testkit::{RawClient, Script, ScriptedProvider, block_on};
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
mod fixtures;
mod gate;
mod gateway;
mod h2;
mod journal;
mod launch;
mod output;
mod postgres;
mod process;
mod provider;
mod received;
mod script;
mod store;
mod tls_front;
mod traffic_log;
mod txtar;
mod wait;
mod wire;

pub use certificates::{Authority, IssuedCertificate, tls_connect};
pub use client::{BodyEnd, Head, RawClient, Response, request};
pub use fixtures::{fixtures_dir, load_fixtures, wire_cases_dir};
pub use gate::Gate;
pub use gateway::Gateway;
pub use h2::{H2Client, H2End, H2Stream};
pub use launch::Launch;
pub use postgres::Postgres;
pub use process::ProcessOutput;
pub use provider::ScriptedProvider;
pub use received::ReceivedRequest;
pub use script::{Framing, Script, Step};
pub use store::{Row, Store};
pub use tls_front::TlsFront;
pub use traffic_log::ConnectionEnd;
pub use txtar::Txtar;
pub use wait::{MAX_WAIT, block_on, poll_until, wait_for, wait_until, within};
