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
//!
//! # An interceptor inside someone else's axum app
//!
//! A provider, a [`Recorder`](aibridge_recorder::Recorder) and a [`Gateway`](aibridge_intercept::Gateway) are all it
//! takes: the answer is an [`http::Response`] whose body axum takes as it is.
//!
//! ```
//! use aibridge_intercept::{Actor, Gateway, Request, RequestBody};
//! use aibridge_provider::{OpenAi, OpenAiConfig, Provider};
//! use aibridge_recorder::{Record, Recorder, RecorderError, async_trait};
//! use axum::{Router, body::{Body, Bytes}, extract::State, http::{HeaderMap, Response}, routing::post};
//! use std::sync::Arc;
//!
//! /// Prints what was recorded.
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
mod provider;
mod routes;

pub use circuit_breaker::{CircuitBreaker, CircuitBreakerSettings, CircuitName, CircuitState, CircuitStatus};
pub use openai::{OpenAi, OpenAiConfig};
pub use provider::{ApiDump, PassThrough, Profile, Provider, ProviderError};
pub use routes::{Route, Routes};
