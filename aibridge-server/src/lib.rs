//! Wires the crates together and serves.
//!
//! [`Server::bind`] creates a gateway from settings: a store, the providers with their connections and keys, and the
//! listeners. [`Server::run`] serves until it is stopped.
//!
//! A request passes `aibridge-admission` (route, web origin, actor), `aibridge-limits`, `aibridge-accounting`
//! (budgets) and [`body`], and reaches [`handler`], which calls the provider's interceptor, or `passthrough`. The
//! settings in force are in [`runtime_config`], which [`reload`] replaces. [`health`] serves load balancers, [`admin`]
//! serves operators, and [`page`] serves the dashboard.
//!
//! Only this crate reads the environment and files of settings, handles signals and exits the process.

pub mod admin;
pub mod app;
pub mod body;
pub mod cooldown_sync;
pub mod handler;
pub mod health;
pub mod isolation;
pub mod page;
mod passthrough;
mod passthrough_body;
pub mod providers;
pub mod reload;
pub mod retention;
pub mod rollup_task;
pub mod run;
pub mod runtime_config;
pub mod server;
pub mod settings;
pub mod signals;
pub mod spending;
pub mod start_error;
pub mod startup;
pub mod store_options;
pub mod token_charging;

pub use server::Server;
pub use start_error::StartError;
