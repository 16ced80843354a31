//! What a provider *is*, which is mostly data, and what it *does*, which is one thing: make an interceptor for a
//! request.
//!
//! [`OpenAi`] is every vendor that speaks the OpenAI API: a vendor is a name, a base URL and keys.
//!
//! ```
//! use aibridge_provider::{OpenAi, OpenAiConfig, Provider};
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

mod openai;
mod provider;
mod routes;

pub use openai::{OpenAi, OpenAiConfig};
pub use provider::{PassThrough, Profile, Provider, ProviderError};
pub use routes::{Route, Routes};
