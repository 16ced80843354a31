//! The environment of a gateway under test: providers, clients, databases and certificates.
//!
//! - `aibridge-testkit-wire`, whose items are exported here: [`ScriptedProvider`], [`RawClient`], [`H2Client`],
//!   [`Authority`], [`TlsFront`], [`Gate`] and [`wait_until`].
//! - [`Launch`] and [`Gateway`]: the real binary, started in a temporary directory.
//! - [`Store`]: the SQLite file of a gateway, read by the test.
//! - [`Postgres`]: a PostgreSQL server that a test starts, stops and crashes.
//! - [`Txtar`]: recorded traffic; [`fixtures_dir`] returns the directory of recordings outside the repository.
//!
//! The tests in `aibridge-server/tests/contract` use it with the real binary, so it has no example; that of
//! `aibridge-testkit-wire` shows its providers and clients.
//!
//! All functions panic on an unexpected result, and wait at most [`MAX_WAIT`].
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue should stop"
)]

mod fixtures;
mod gateway;
mod journal;
mod launch;
mod output;
mod postgres;
mod process;
mod skip;
mod store;
mod txtar;

pub use aibridge_testkit_wire::{
    Authority, BodyEnd, ConnectionEnd, Framing, Gate, H2Client, H2End, H2Stream, Head, IssuedCertificate,
    MAX_WAIT, RawClient, ReceivedRequest, Response, Script, ScriptedProvider, Step, TlsFront, block_on,
    poll_until, request, tls_connect, wait_for, wait_until, within,
};
pub use fixtures::{fixtures_dir, load_fixtures, wire_cases_dir};
pub use gateway::Gateway;
pub use launch::Launch;
pub use postgres::Postgres;
pub use process::ProcessOutput;
pub use skip::{SKIPPED_TEST, skip_test};
pub use store::{Row, Store};
pub use txtar::Txtar;
