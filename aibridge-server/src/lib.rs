//! Wires the crates together and serves.
//!
//! [`Server::bind`] turns settings into a gateway: a store, a provider each with its connections and keys, and a
//! listener. [`Server::run`] serves until it is told to stop. A request finds its way through [`route`] (which provider,
//! which kind of route), [`origin`] (from which web page), [`who`] (on whose behalf), [`limits`] (whether it may now),
//! [`body`] (read whole) and
//! [`handler`], which hands it to the provider's interceptor. What requests go by is [`current`], which [`reload`]
//! replaces while it serves; [`health`] tells load balancers how it is.
//!
//! Only this crate knows axum, the environment, files, signals and the exit of the process.

pub mod admin;
pub mod body;
pub mod cli;
pub mod current;
pub mod handler;
pub mod health;
pub mod isolation;
pub mod key_news;
pub mod limits;
pub mod listen;
pub mod log;
pub mod origin;
mod passthrough;
pub mod print;
pub mod providers;
pub mod record_log;
pub mod records;
pub mod reload;
pub mod retention;
pub mod route;
mod sending;
pub mod server;
pub mod settings;
pub mod signals;
pub mod startup;
pub mod store_options;
pub mod telemetry;
pub mod tls;
pub mod tokens;
pub mod who;

pub use server::{Server, StartError};
