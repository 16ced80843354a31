//! Chat completions (`POST /chat/completions`): what a request asks, and what its answer tells.
//!
//! [`read`] looks at a request and gives an [`ParsedRequest`](aibridge_intercept::Asked): the model, the prompt, the one edit
//! that a stream needs (so that it tells its usage), and the observer that reads the answer as it passes,
//! [`Streaming`] or [`blocking`]. Wire facts are those of the OpenAI API and of the providers compatible with it.
//!
//! Reading needs no gateway around it:
//!
//! ```
//! use aibridge_chatcompletions::Streaming;
//! use aibridge_intercept::EventAction;
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
//! let verdicts: Vec<_> = std::iter::from_fn(|| splitter.next_event()).map(|event| chat.event(&event)).collect();
//! assert_eq!(verdicts, [EventAction::Relay, EventAction::Withhold, EventAction::Terminal]);
//! assert_eq!(chat.finish().usage.map(|usage| usage.input), Some(9));
//! ```

pub mod blocking;
mod observer;
mod reader;
mod reasoning;
mod request;
mod streaming;
mod tools;

pub use observer::ChatCompletion;
pub use request::read;
pub use streaming::Streaming;
