//! The [`Recorder`] trait and the records that it stores.

use crate::{Interception, InterceptionEnd, ObjectOwner, Reasoning, TokenUsage, ToolUsage, UserPrompt};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A row to be stored. All records but [`Record::Owner`] belong to an interception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The start of an interception; always its first record.
    Start(Arc<Interception>),
    /// The prompt of the request.
    Prompt(UserPrompt),
    /// The token counts of the response.
    TokenUsage(TokenUsage),
    /// A tool call of the response.
    ToolUsage(Box<ToolUsage>),
    /// Reasoning text of the response.
    Reasoning(Reasoning),
    /// The owner of an object at the provider. Passthrough requests create such records too.
    Owner(ObjectOwner),
    /// The end of an interception; always its last record.
    End(InterceptionEnd),
}

/// Stores records durably.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// Stores all of `records` or none, and returns when they are durable.
    ///
    /// Dropping the future cancels the call: records that are not written by then should not be written later.
    ///
    /// # Errors
    ///
    /// [`RecorderError::Unavailable`] when the store cannot accept the records now. A later call may succeed.
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError>;
}

/// The error of a recorder that did not store the records.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecorderError {
    /// The store did not accept the records, for the given reason. A later call may succeed.
    #[error("the store does not accept records: {0}")]
    Unavailable(String),
}

impl RecorderError {
    /// Creates [`RecorderError::Unavailable`] with `reason`.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable(reason.to_string())
    }
}
