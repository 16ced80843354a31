//! The responses dialect of the OpenAI API (`POST /responses`, `/responses/compact`): parses requests and reads responses.
//!
//! [`parse_request`] returns a [`ParsedRequest`](aibridge_intercept::ParsedRequest): the model, the prompt, and the
//! observer that reads the response as it passes, with [`Streaming`] or [`blocking`]. Neither the request nor the
//! response is edited. The formats are those of the OpenAI API.
//!
//! A response can be read without a gateway:
//!
//! ```
//! let summary = aibridge_responses::blocking::summarize(
//!     br#"{"id":"resp_1","status":"completed","output":[
//!         {"type":"shell_call","call_id":"call_1","action":{"commands":["ls"]}}]}"#,
//! );
//! assert_eq!(summary.tools[0].name, "shell");
//! assert_eq!(summary.tools[0].input, r#"{"commands":["ls"]}"#);
//! ```

pub mod blocking;
mod items;
mod objects;
mod request;
mod streaming;

pub use objects::referenced_objects;
pub use request::parse_request;
pub use streaming::Streaming;
