//! What goes through the gateway when it is measured: requests and answers that look like real ones.
//!
//! The binary of this crate is both ends of the measurement, the provider and its clients.

mod answer;
mod request;

pub use answer::{Answers, chat_event, response_event};
pub use request::{Dialect, Shape};
