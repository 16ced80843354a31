//! What tests of a gateway need around it, down to the byte.
//!
//! - [`ScriptedProvider`]: a provider on a free port that answers by [`Script`], and misbehaves exactly as told.
//! - [`RawClient`]: an HTTP/1.1 client that sends exact bytes and says whether an answer ended cleanly.
//! - [`Launch`] and [`Gateway`]: the real binary in a directory of its own, started, watched, killed.
//! - [`Authority`], [`H2Client`]: certificates, and an HTTP/2 client that tells streams that end from streams that are reset.
//! - [`Store`]: the gateway's SQLite file, read on the side.
//! - [`Postgres`]: a PostgreSQL server, started, stopped, crashed.
//! - [`Txtar`]: recorded traffic; [`fixtures_dir`] finds the recordings that are not in the repository.
//! - [`Gate`] and [`wait_until`]: order without sleeping.
//!
//! Everything here panics when it does not get what a test asked for, and waits at most [`PATIENCE`].
//!
//! ```
//! use aibridge_testkit::{RawClient, Script, ScriptedProvider, block_on};
//!
//! block_on(async {
//!     let mut provider = ScriptedProvider::start(|_| Script::json(200, r#"{"object":"list"}"#)).await;
//!     let answer = RawClient::get(provider.address(), "/v1/models").await;
//!
//!     assert_eq!((answer.status(), answer.text()), (200, r#"{"object":"list"}"#));
//!     assert_eq!(provider.next_received().await.target, "/v1/models");
//! });
//! ```
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop"
)]

mod certificates;
mod client;
mod connection;
mod fixtures;
mod gate;
mod gateway;
mod h2;
mod launch;
mod output;
mod postgres;
mod provider;
mod received;
mod script;
mod store;
mod txtar;
mod wait;
mod wire;

pub use certificates::{Authority, Issued, shake_hands};
pub use client::{Answer, BodyEnd, Head, RawClient, request};
pub use fixtures::{all_fixtures, cases_dir, fixtures_dir};
pub use gate::Gate;
pub use gateway::Gateway;
pub use h2::{H2Client, H2End, H2Stream};
pub use launch::{Exited, Launch};
pub use postgres::Postgres;
pub use provider::{Closed, ScriptedProvider};
pub use received::Received;
pub use script::{Framing, Script, Step};
pub use store::{Row, Store};
pub use txtar::Txtar;
pub use wait::{PATIENCE, block_on, wait_for, wait_until, within};
