//! Wires the crates together and serves.
//!
//! [`Server::bind`] creates a gateway from settings: a store, the providers with their connections and keys, and the
//! listeners. [`Server::run`] serves until it is stopped.
//!
//! `aibridge-handler` handles the requests of clients. It holds the settings in force, which [`reload`] replaces.
//! [`health`] serves load balancers, [`admin`] serves operators, and [`page`] serves the dashboard.
//!
//! Only this crate reads the environment and files of settings, handles signals and exits the process.
//!
//! This crate wires all others together for the binary `aibridge`, so it has no example: `tests/contract` runs the binary.

pub mod admin;
pub mod cooldown_sync;
pub mod health;
pub mod page;
pub mod reload;
pub mod retention;
pub mod rollup_task;
pub mod run;
pub mod server;
pub mod settings;
pub mod signals;
pub mod spending;
pub mod start_error;
pub mod startup;
pub mod store_options;

pub use server::Server;
pub use start_error::StartError;
