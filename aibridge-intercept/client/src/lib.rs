//! Detects the client program that sent a request to a model provider, its session, and its run by the launcher.
//!
//! A table lists the programs: coding agents by a header or the start of their `User-Agent`, and the SDKs of the providers.
//! Each row names the headers with the program's own id of the session.
//!
//! ```
//! use aibridge_client::Client;
//! use http::{HeaderMap, HeaderValue};
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("user-agent", HeaderValue::from_static("codex_cli_rs/0.50"));
//! headers.insert("session_id", HeaderValue::from_static("s-1"));
//! let client = Client::detect(&headers, None);
//! assert_eq!((client.name, client.session_id.as_deref()), ("Codex", Some("s-1")));
//! ```

mod detect;
mod run;

pub use detect::Client;
pub use run::{RUN_ATTRIBUTE, RUN_HEADER, run_of};
