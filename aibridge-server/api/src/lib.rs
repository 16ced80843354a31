//! The operators' HTTP API: recorded interceptions, usage, sessions and the state of provider keys.
//!
//! A path selects an [`Endpoint`]. [`Api::respond`] parses the query parameters strictly (`aibridge-api-parameters`) and
//! reads the records on a blocking thread. The number of concurrent reads and their duration are bounded, and a read ends
//! when its client disconnects. Lists are paged: a cursor holds the id of the last row of a page, so rows that are written
//! between two pages shift nothing. The OpenAPI [`document`] is generated from the same code and from
//! `aibridge-api-schema`.
//!
//! This crate does not depend on a web framework. Authorization belongs to the server.

mod api;
mod budgets;
mod call;
mod contents;
pub mod document;
mod endpoint;
mod error;
mod facets;
mod interceptions;
mod keys;
mod live;
mod own_records;
mod paging;
mod providers;
mod reader;
mod sessions;
mod status;
mod timeline;
mod tokens;
mod tools;
mod totals;
mod usage;

pub use api::Api;
pub use budgets::budget_rows;
pub use call::{Call, Caller, GatewayState, Reply};
pub use endpoint::{Access, ContentPath, Endpoint, Scope};
pub use error::ApiError;
