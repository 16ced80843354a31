//! `[[provider]]`: the settings of the providers.
//!
//! [`RawProvider`] is the mirror of what the file contains, [`Provider`] has the valid values, and [`resolve`] leads from one
//! to the other. Each setting that has rules of its own has a module: `vendor` for presets, `name`, `route_prefix`, `keys`,
//! `extra_headers`, `routes`, `tls` and `circuit_breaker`. `differences` names what a reload changes.

mod circuit_breaker;
mod differences;
mod extra_headers;
mod keys;
mod name;
mod provider;
mod raw;
mod resolve;
mod route_prefix;
mod routes;
mod tls;
mod vendor;

pub use circuit_breaker::CircuitBreaker;
pub use provider::{Provider, ProviderKind};
pub use raw::RawProvider;
pub use resolve::resolve;
pub use routes::FurtherRoute;
pub use tls::{Authorities, ProviderTls};
