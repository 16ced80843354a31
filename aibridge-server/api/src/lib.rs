//! Records and keys over HTTP, for operators: what is asked, and what is answered.
//!
//! An [`Endpoint`] is found by its path. [`Api::answer`] reads its [`parameters`] strictly, and the records in the background:
//! never more than some at once, never longer than some seconds, and no longer than somebody waits. Lists come in pages; a
//! cursor names the row behind which the next one begins, so that rows which are written meanwhile move nothing. The
//! [`document`] describes all of it, generated from the same code.
//!
//! This crate knows no web framework, and not who may ask: that is the server's.

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
