//! `cargo xtask demo`: sends three requests through the real binary and prints its records, or fills a store.
//!
//! `demo` is the command. `provider` responds to it, `transcript` prints the traffic, and `tables` the records. `fill` writes
//! made-up records, which `cargo xtask e2e` shows in the dashboard.
//!
//! It has no example, because the command is itself one.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a developer's tool uses its terminal, its environment and the wall clock"
)]

mod demo;
mod fill;
mod provider;
mod tables;
mod transcript;

pub use demo::{Options, run};
pub use fill::fill;
