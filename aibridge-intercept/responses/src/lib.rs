//! Responses (`POST /responses` and `/responses/compact`): what a request asks, and what its answer tells.
//!
//! [`read`] looks at a request and gives an [`Asked`](aibridge_intercept::Asked): the model, the prompt, and the
//! observer that reads the answer as it passes, [`Streaming`] or [`blocking`]. Neither request nor answer is
//! edited. Wire facts are those of the OpenAI API.

pub mod blocking;
mod items;
mod observer;
mod request;
mod streaming;
mod usage;

pub use observer::Response;
pub use request::read;
pub use streaming::Streaming;
