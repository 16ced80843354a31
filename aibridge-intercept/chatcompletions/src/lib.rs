//! The chat completions dialect of the OpenAI API (`POST /chat/completions`): parses requests and reads responses.
//! Embeddings (`POST /embeddings`) share the format of its errors and usage: see [`embeddings`].
//!
//! [`parse_request`] returns a [`ParsedRequest`](aibridge_intercept::ParsedRequest): the model, the prompt, the edit that
//! makes a stream report its usage, and the observer that reads the response as it passes, with [`Streaming`] or
//! [`blocking`]. The formats are those of the OpenAI API and of the providers compatible with it.
//!
//! A response can be read without a gateway:
//!
//! ```
//! use aibridge_chatcompletions::Streaming;
//! use aibridge_intercept::{EventAction, Observer};
//! use aibridge_sse::Splitter;
//! use bytes::Bytes;
//!
//! let mut splitter = Splitter::default();
//! let mut chat = Streaming::new(true);
//! splitter.push(Bytes::from_static(
//!     b"data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n\
//!       data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n\
//!       data: [DONE]\n\n",
//! ));
//! let actions: Vec<_> = std::iter::from_fn(|| splitter.next_event()).map(|event| chat.event(&event)).collect();
//! assert_eq!(actions, [EventAction::Relay, EventAction::Withhold, EventAction::Terminal]);
//! assert_eq!(chat.finish().usage.map(|usage| usage.input), Some(9));
//! ```

pub mod blocking;
pub mod embeddings;
mod reader;
mod reasoning;
mod request;
mod streaming;
mod tools;

pub use request::parse_request;
pub use streaming::Streaming;
