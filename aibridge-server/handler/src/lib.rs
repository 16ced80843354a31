//! Handles the requests of clients on the routes of providers.
//!
//! [`handle`] checks the head of a request with `aibridge-admission` (route, web origin, actor), `aibridge-limits` and
//! `aibridge-accounting` (budgets). Then the module `bridged` reads the [`body`], creates the provider's interceptor and
//! runs it; the module `passthrough` relays the request without records.
//!
//! All requests share an [`App`]. Its [`runtime_config`] has the settings and [`providers`] in force, which a reload
//! replaces as a whole. Its [`isolation`] refuses objects of other actors. [`token_charging`] charges an actor when a
//! response has ended.
//!
//! `aibridge-listen` contains the listener; `aibridge-server` contains the routes for operators and the process. An [`App`]
//! needs a store, providers and limits, so this crate has no example: `aibridge-server/tests/contract` runs it.

mod admitted_request;
mod app;
pub mod body;
mod bridged;
mod handler;
pub mod isolation;
mod passthrough;
mod passthrough_body;
pub mod providers;
pub mod runtime_config;
pub mod token_charging;

pub use app::App;
pub use handler::handle;
