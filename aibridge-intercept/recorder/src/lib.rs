//! What is recorded about an interception, and the [`Recorder`] trait that stores it.
//!
//! An *interception* is one client request on a bridged route, from accept to the end of its answer.
//! Its story is told in [`Record`]s: it [started](Record::Started) with a [prompt](Record::Prompt), the
//! model [spent tokens](Record::TokenUsage), [picked tools](Record::ToolUsage) and
//! [thought aloud](Record::Thought), and it [ended](Record::Ended). Each record is one row of a store.
//!
//! This crate does no I/O: it is what you depend on to write a recorder of your own.
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
//!         Ok(()) // only now may the bytes that these records describe go on
//!     }
//! }
//! ```

mod ended;
mod interception;
mod learnt;
mod owner;
mod recorder;

pub use async_trait::async_trait;
pub use ended::{Ended, ErrorType, Outcome};
pub use interception::{CredentialKind, Interception, UserPrompt};
pub use learnt::{ModelThought, ThoughtSource, TokenUsage, ToolUsage};
pub use owner::ObjectOwner;
pub use recorder::{Record, Recorder, RecorderError};
