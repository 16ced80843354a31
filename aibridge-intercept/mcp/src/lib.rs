//! Injected MCP tools: where they come from, and how they get into a request.
//!
//! An *injected tool* is one that the gateway adds to a request and runs itself. A [`ToolSource`] offers such tools
//! and calls them; [`inject`](inject()) splices them into the body of a request, touching nothing else:
//!
//! ```
//! use aibridge_intercept::payload::Payload;
//! use aibridge_mcp::{Dialect, Tool, inject};
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(br#"{"model":"m","tools":[{"type":"function","name":"mine"}]}"#);
//! let tool = Tool {
//!     name: "search".into(),
//!     description: "Searches the wiki".into(),
//!     input_schema: r#"{"type":"object"}"#.into(),
//!     server_url: "https://wiki.example/mcp".into(),
//! };
//! let edits = inject(&body, Dialect::Responses, &[tool]).unwrap();
//! assert_eq!(
//!     Payload::edited(&body, edits).to_bytes(),
//!     concat!(
//!         r#"{"parallel_tool_calls":false,"model":"m","tools":[{"type":"function","name":"mine"},"#,
//!         r#"{"type":"function","name":"search","description":"Searches the wiki","parameters":{"type":"object"}}]}"#,
//!     ),
//! );
//! ```
//!
//! What calls the tools that a model picked, and the model again with their results, is an
//! [`Interceptor`](aibridge_intercept::Interceptor) that makes several upstream calls for one answer; the server does
//! not have one yet.

mod inject;
mod source;

pub use inject::{Dialect, inject};
pub use source::{Tool, ToolError, ToolSource};
