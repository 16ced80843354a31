//! The traffic of a benchmark: requests and responses that look like real ones.
//!
//! The binary of this crate is both ends of a measurement: the provider and its clients.

mod request;
mod response;

pub use request::{Dialect, Shape};
pub use response::{Responses, chat_event, message_event, response_event};
