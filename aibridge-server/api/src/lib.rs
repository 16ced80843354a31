//! The operators' HTTP API: recorded interceptions, usage, sessions and the state of provider keys.
//!
//! A path selects an [`Endpoint`]. [`Api::respond`] parses the query [`parameters`] strictly and reads the records on a
//! blocking thread. The number of concurrent reads and their duration are bounded, and a read ends when its client
//! disconnects. Lists are paged: a cursor holds the id of the last row of a page, so rows that are written between two pages
//! shift nothing. The OpenAPI [`document`] is generated from the same code.
//!
//! This crate does not depend on a web framework. Authorization belongs to the server.

mod api;
pub mod document;
mod endpoint;
mod error;
mod interceptions;
mod keys;
mod paging;
pub mod parameters;
mod reader;
pub mod schema;
mod sessions;
pub mod time;
mod usage;

pub use api::Api;
pub use endpoint::Endpoint;
pub use error::ApiError;
