//! The checks of the head of a request, before any limit and before the body is read.
//!
//! - [`route`] finds the provider and the route.
//! - [`origin`] checks `Host` and `Origin`, and answers CORS preflights.
//! - [`auth`] finds the actor by access token, and removes the token.
//! - [`refusal`] contains the errors of all three.

pub mod auth;
pub mod origin;
pub mod refusal;
pub mod route;

pub use refusal::Refusal;
