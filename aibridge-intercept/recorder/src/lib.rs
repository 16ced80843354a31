//! The records of an interception, and the [`Recorder`] trait that stores them.
//!
//! An *interception* is one client request on a bridged route, from accept to the end of its response. It consists of
//! [`Record`]s: a [start](Record::Start) and a [prompt](Record::Prompt) before the upstream call;
//! [token usage](Record::TokenUsage), [tool calls](Record::ToolUsage), [reasoning](Record::Reasoning) and the
//! [end](Record::End) before the last bytes of the response. Each record is one row of a store.
//!
//! This crate does no I/O. Depend on it to write a recorder of your own:
//!
//! ```
//! use aibridge_recorder::{Record, Recorder, RecorderError, async_trait};
//! use std::sync::Mutex;
//!
//! /// Keeps every record in memory.
//! #[derive(Default)]
//! struct InMemory(Mutex<Vec<Record>>);
//!
//! #[async_trait]
//! impl Recorder for InMemory {
//!     async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
//!         self.0.lock().map_err(|_| RecorderError::unavailable("poisoned"))?.extend(records);
//!         Ok(()) // the gateway sends the bytes that these records describe after this
//!     }
//! }
//! ```

mod cost;
mod end;
mod interception;
mod owner;
mod reasoning;
mod recorder;
mod usage;

pub use async_trait::async_trait;
pub use cost::{CostStatus, UsageCost};
pub use end::{ErrorType, InterceptionEnd, Outcome};
pub use interception::{CredentialKind, Interception, UserPrompt};
pub use owner::ObjectOwner;
pub use reasoning::{Reasoning, ReasoningSource};
pub use recorder::{Record, Recorder, RecorderError};
pub use usage::{ExtraValue, TokenUsage, ToolUsage};
