//! What an operator can set: plain data, loading, validation.
//!
//! Settings come from defaults < a TOML file < the environment (`AIBRIDGE_SERVER__LISTEN`, two underscores
//! per level) < flags. [`load`] takes them as [`Sources`] and returns a [`Config`] that can be used as it is,
//! or else a [`ConfigError`] with *every* [`Problem`] that it found: where the setting stands, which it is,
//! and what to write instead.
//!
//! Loading has two steps. First every source is read on its own into a mirror of the file (`Raw`), which
//! finds unknown settings and wrong types; then the sources are laid over one another and each section is
//! resolved by a function of its own, which finds values that make no sense. `docs/settings.md` lists all
//! settings; a test compares it with the mirror.
//!
//! This crate touches neither the environment nor the file system: they come in as [`Environment`]. No
//! secret can be printed from any of its types, nor is one named in a problem.
//!
//! ```
//! use aibridge_config::{Sources, Surroundings, load};
//! use std::{io, path::Path};
//!
//! struct Nothing;
//!
//! impl Surroundings for Nothing {
//!     fn var(&self, _: &str) -> Option<String> {
//!         None
//!     }
//!     fn read(&self, _: &Path) -> io::Result<String> {
//!         Err(io::ErrorKind::NotFound.into())
//!     }
//! }
//!
//! # fn main() -> Result<(), aibridge_config::ConfigError> {
//! let text = "[server]\nlisten = \"localhost:9000\"";
//! let mut sources = Sources { file: Some(("aibridge.toml".into(), text.into())), ..Sources::default() };
//! let config = load(&sources, &Nothing)?;
//! assert_eq!(config.server.listen.to_string(), "127.0.0.1:9000");
//! assert_eq!(config.providers[0].name, "openai");
//!
//! sources.env = vec![("AIBRIDGE_STORE__URL".into(), "mysql:aibridge".into())];
//! let error = load(&sources, &Nothing).unwrap_err();
//! let message = error.to_string();
//! assert!(message.starts_with("AIBRIDGE_STORE__URL: store.url: \"mysql\" is no kind of store; write "));
//! # Ok(())
//! # }
//! ```

mod address;
mod admin;
mod auth;
mod base_url;
mod choice;
mod config;
mod duration;
#[cfg(test)]
mod example_file;
mod integer;
mod layer;
mod limits;
mod load;
mod log;
mod masked;
mod metrics;
mod problem;
mod provider;
mod raw;
mod report;
mod secret;
mod server;
#[cfg(test)]
mod settings_doc;
mod shape;
mod size;
mod sources;
mod store;
mod telemetry;
mod tls;
mod web;

pub use admin::Admin;
pub use auth::{Auth, AuthMode};
pub use config::Config;
pub use limits::Limits;
pub use load::load;
pub use log::{Log, LogFormat};
pub use metrics::Metrics;
pub use problem::{ConfigError, Problem};
pub use provider::{CircuitBreaker, Provider, ProviderKind};
pub use server::Server;
pub use sources::{Environment, Flags, Sources};
pub use store::{Durability, PostgresUrl, Retention, Spool, SslMode, Store, StoreUrl};
pub use telemetry::{OtlpProtocol, Telemetry};
pub use tls::Tls;
pub use web::ANY_ORIGIN;
