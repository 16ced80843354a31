//! Responses (`POST /responses` and `/responses/compact`): what a request asks, and what its answer tells.
//!
//! [`read`] looks at a request and gives an [`ParsedRequest`](aibridge_intercept::Asked): the model, the prompt, and the
//! observer that reads the answer as it passes, [`Streaming`] or [`blocking`]. Neither request nor answer is
//! edited. Wire facts are those of the OpenAI API.
//!
//! Reading needs no gateway around it:
//!
//! ```
//! let learnt = aibridge_responses::blocking::learn(
//!     br#"{"id":"resp_1","status":"completed","output":[
//!         {"type":"shell_call","call_id":"call_1","action":{"commands":["ls"]}}]}"#,
//! );
//! assert_eq!(learnt.tools[0].name, "shell");
//! assert_eq!(learnt.tools[0].input, r#"{"commands":["ls"]}"#);
//! ```

pub mod blocking;
mod items;
mod objects;
mod observer;
mod request;
mod streaming;

pub use objects::referenced;
pub use observer::Response;
pub use request::read;
pub use streaming::Streaming;
