//! The sections of the settings, except for the providers: their mirrors, their validation, their meaning.
//!
//! Each section has a module with three parts: a mirror of what the file contains (`Raw…`), a plain type with the valid
//! values, and a function `resolve` between them. [`exposure`] checks combinations of sections.
//! The settings of the providers are in `aibridge-provider-section`.

pub mod admin;
pub mod auth;
pub mod budgets;
pub mod exposure;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod prices;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tls;
mod web;

pub use admin::Admin;
pub use auth::{Auth, AuthMode};
pub use budgets::{Budgets, Unpriced};
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use metrics::Metrics;
pub use prices::Prices;
pub use server::Server;
pub use store::{Durability, PostgresUrl, Retention, SslMode, Store, StoreUrl};
pub use telemetry::{OtlpProtocol, Telemetry};
pub use tls::Tls;
pub use web::ANY_ORIGIN;
