//! Providers: the [`Profile`] is the data of a provider, and [`Provider`] creates interceptors for its dialects.
//!
//! A type of providers is data, too: [`OpenAi`] serves every vendor with the OpenAI API, [`Anthropic`] those with
//! Anthropic's, and [`Copilot`] the users of GitHub Copilot. A vendor is a name, a base URL and keys. [`PRESETS`]
//! contains the known ones.
//!
//! ```
//! use aibridge_provider::{OpenAi, OpenAiConfig};
//! use secrecy::SecretString;
//!
//! # fn main() -> Result<(), aibridge_provider::ProviderError> {
//! let provider = OpenAi::new(OpenAiConfig {
//!     name: "groq".into(),
//!     base_url: "https://api.groq.com/openai/v1".into(),
//!     key: Some(SecretString::from("gsk-123")),
//!     ..OpenAiConfig::default()
//! })?;
//! assert_eq!(provider.route_prefix(), "/groq/v1");
//! assert_eq!(provider.kind(), "openai");
//! # Ok(())
//! # }
//! ```
//!
//! With a [`Recorder`](aibridge_recorder::Recorder) and a [`Gateway`](aibridge_intercept::Gateway), a provider can serve
//! routes of any HTTP application: `examples/axum.rs` does so with axum.

mod anthropic;
mod api_provider;
mod azure;
mod circuit_breaker;
mod config;
mod copilot;
mod further_routes;
mod interceptor;
mod objects;
mod openai;
mod profile;
mod provider;
mod routes;

pub use aibridge_presets::{PRESETS, Preset, UsageChunk};
pub use anthropic::{Anthropic, AnthropicApi};
pub use api_provider::{Api, ApiData, ApiProvider};
pub use circuit_breaker::{CircuitBreaker, CircuitBreakerSettings, CircuitName, CircuitState, CircuitStatus};
pub use config::ProviderConfig;
pub use copilot::{Copilot, CopilotApi};
pub use further_routes::FurtherRoute;
pub use objects::ObjectRules;
pub use openai::{OpenAi, OpenAiApi, OpenAiConfig};
pub use profile::{ApiDump, PassthroughRequest, Profile};
pub use provider::{Provider, ProviderError};
pub use routes::{LocalRoute, Route, Routes};
