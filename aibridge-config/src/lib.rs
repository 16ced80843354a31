//! The settings of the gateway: plain data, loading and validation.
//!
//! Settings come from defaults, a TOML file, the environment (`AIBRIDGE_SERVER__LISTEN`, with two underscores per level)
//! and flags, in order of increasing precedence. [`load`] reads them from [`Sources`]. It returns a valid [`Config`], or a
//! [`ConfigError`] with *every* [`Problem`]: the source, the setting, and what to write instead.
//!
//! Loading has two steps. First, each source is parsed separately into a mirror of the file (`Raw`), which detects unknown
//! settings and wrong types. Then the sources are merged, and each section is validated by a function of its own. A test
//! compares `docs/settings.md` with the mirror.
//!
//! This crate reads neither the environment nor the file system: callers provide them as an [`Environment`]. No type
//! prints a secret, and no problem contains one.
//!
//! ```
//! use aibridge_config::{Environment, Sources, load};
//! use std::{io, path::Path};
//!
//! struct Empty;
//!
//! impl Environment for Empty {
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
//! let config = load(&sources, &Empty)?;
//! assert_eq!(config.server.listen.to_string(), "127.0.0.1:9000");
//! assert_eq!(config.providers[0].name, "openai");
//!
//! sources.env = vec![("AIBRIDGE_STORE__URL".into(), "mysql:aibridge".into())];
//! let error = load(&sources, &Empty).unwrap_err();
//! let message = error.to_string();
//! assert!(message.starts_with("AIBRIDGE_STORE__URL: store.url: \"mysql\" is not a supported database; write "));
//! # Ok(())
//! # }
//! ```

mod config;
#[cfg(test)]
mod example_file;
mod layer;
mod load;
mod masked;
mod raw;
#[cfg(test)]
mod settings_doc;
mod shape;
mod sources;

pub use aibridge_provider_section::{
    Authorities, CircuitBreaker, FurtherRoute, Provider, ProviderKind, ProviderTls,
};
pub use aibridge_sections::{
    ANY_ORIGIN, Admin, Auth, AuthMode, Budgets, Durability, Limits, Log, LogFormat, Metrics, OtlpProtocol,
    PostgresUrl, Prices, Retention, Server, SslMode, Store, StoreUrl, Telemetry, Tls, Unpriced,
};
pub use aibridge_values::{ConfigError, Environment, Problem};
pub use config::Config;
pub use layer::TOKEN_VARIABLE;
pub use load::load;
pub use sources::{Flags, Sources};
