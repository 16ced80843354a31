//! Chat completions (`POST /chat/completions`): what a request asks, and what its answer tells.
//!
//! [`read`] looks at a request and gives an [`Asked`](aibridge_intercept::Asked): the model, the prompt, the one edit
//! that a stream needs (so that it tells its usage), and the observer that reads the answer as it passes,
//! [`Streaming`] or [`blocking`]. Wire facts are those of the OpenAI API and of the providers compatible with it.

pub mod blocking;
mod observer;
mod request;
mod streaming;
mod tools;
mod usage;

pub use observer::ChatCompletion;
pub use request::read;
pub use streaming::Streaming;
