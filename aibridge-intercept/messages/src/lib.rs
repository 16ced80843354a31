//! The Messages dialect of the Anthropic API (`POST /v1/messages`): parses requests and reads responses.
//!
//! [`parse_request`] returns a [`ParsedRequest`](aibridge_intercept::ParsedRequest): the model, the prompt, and the
//! observer that reads the response as it passes, [`Streaming`]. Neither the request nor the response is edited. The
//! formats are those of the Anthropic API and of the providers compatible with it.
//!
//! A response can be read without a gateway:
//!
//! ```
//! let summary = aibridge_messages::blocking::summarize(
//!     br#"{"id":"msg_1","type":"message","model":"claude-sonnet-4-5","content":[
//!         {"type":"tool_use","id":"toolu_1","name":"read","input":{"path":"a"}}],
//!         "usage":{"input_tokens":30,"cache_read_input_tokens":1000,"output_tokens":12}}"#,
//! );
//! assert_eq!(summary.tools[0].input, r#"{"path":"a"}"#);
//! assert_eq!(summary.usage.map(|usage| (usage.input, usage.cache_read)), Some((30, 1000)));
//! ```

pub mod blocking;
mod blocks;
mod request;
mod streaming;
mod usage;

pub use request::parse_request;
pub use streaming::Streaming;
