//! Providers: the [`Profile`] is the data of a provider, and [`Provider`] creates interceptors for its dialects.
//!
//! [`OpenAi`] serves every vendor with the OpenAI API. A vendor is data: a name, a base URL and keys.
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
//! # Interceptors in an axum application
//!
//! An application needs a provider, a [`Recorder`](aibridge_recorder::Recorder) and a
//! [`Gateway`](aibridge_intercept::Gateway). The response is an [`http::Response`] whose body axum accepts:
//!
//! ```
//! use aibridge_intercept::{Actor, Gateway, Request, RequestBody};
//! use aibridge_provider::{OpenAi, OpenAiConfig, Provider};
//! use aibridge_recorder::{Record, Recorder, RecorderError, async_trait};
//! use axum::{Router, body::{Body, Bytes}, extract::State, http::{HeaderMap, Response}, routing::post};
//! use std::sync::Arc;
//!
//! /// Prints the records.
//! struct Print;
//!
//! #[async_trait]
//! impl Recorder for Print {
//!     async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
//!         records.iter().for_each(|record| println!("{record:?}"));
//!         Ok(())
//!     }
//! }
//!
//! async fn chat(
//!     State((gateway, provider)): State<(Gateway, Arc<OpenAi>)>,
//!     headers: HeaderMap,
//!     body: Bytes,
//! ) -> Response<Body> {
//!     let request = Request {
//!         route: "/chat/completions".into(),
//!         query: None,
//!         headers,
//!         body: RequestBody::plain(body),
//!         actor: Actor::named("ann"),
//!     };
//!     match provider.create_interceptor(request) {
//!         Ok(interceptor) => gateway.intercept(interceptor, gateway.clock.now()).await.map(Body::new),
//!         Err(error) => error.to_response().map(Body::from),
//!     }
//! }
//!
//! # fn main() -> Result<(), aibridge_provider::ProviderError> {
//! let provider = Arc::new(OpenAi::new(OpenAiConfig::default())?);
//! let app: Router = Router::new()
//!     .route("/v1/chat/completions", post(chat))
//!     .with_state((Gateway::new(Arc::new(Print)), provider));
//! # Ok(())
//! # }
//! ```

mod circuit_breaker;
mod objects;
mod openai;
mod profile;
mod provider;
mod routes;

pub use circuit_breaker::{CircuitBreaker, CircuitBreakerSettings, CircuitName, CircuitState, CircuitStatus};
pub use objects::ObjectRules;
pub use openai::{OpenAi, OpenAiConfig};
pub use profile::{ApiDump, PassthroughRequest, Profile};
pub use provider::{Provider, ProviderError};
pub use routes::{Route, Routes};
