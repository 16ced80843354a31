use crate::{Ended, Interception, ModelThought, ObjectOwner, TokenUsage, ToolUsage, UserPrompt};
use async_trait::async_trait;
use std::sync::Arc;

/// One thing to store, nearly always about an interception.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The interception began; always the first record of its id.
    Started(Arc<Interception>),
    /// What the user asked.
    Prompt(UserPrompt),
    /// Tokens that an answer spent.
    TokenUsage(TokenUsage),
    /// A tool that the model picked.
    ToolUsage(Box<ToolUsage>),
    /// Something the model thought aloud.
    Thought(ModelThought),
    /// Who made an object at the provider; also for objects that were made without an interception.
    Owner(ObjectOwner),
    /// The interception is over; always the last record of its id.
    Ended(Ended),
}

/// Stores records durably.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// Stores all of `records` or none, and returns when they are durable.
    ///
    /// A caller that stops waiting (drops the future) no longer wants them stored: what has not been
    /// written by then should not be.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Unavailable`] when the store cannot take them now; the same call may succeed later.
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError>;
}

/// Why records were not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecorderError {
    /// The store did not take the records. A later try may succeed.
    #[error("the store does not accept records: {0}")]
    Unavailable(String),
}

impl RecorderError {
    /// The store did not take the records, because of `reason`.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable(reason.to_string())
    }
}
