//! Reasoning text of a response. The stored table keeps its name, `aibridge_model_thoughts`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `aibridge_model_thoughts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// The id of the row, a UUIDv7.
    pub id: Uuid,
    /// The interception that the reasoning belongs to.
    pub interception_id: Uuid,
    /// The reasoning text.
    pub content: String,
    /// The part of the response that contained the text.
    pub source: ReasoningSource,
    /// Whether the end of `content` is missing: `truncated` in the column `metadata`.
    pub truncated: bool,
    /// The time at which the response was read.
    pub created_at: Timestamp,
}

/// The part of a response that contains reasoning: `source` in the column `metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningSource {
    /// Reasoning text beside a chat completion's content.
    Thinking,
    /// A summary of a reasoning item of a response.
    ReasoningSummary,
    /// A message with `phase: "commentary"`, which is addressed to no recipient.
    Commentary,
}

impl ReasoningSource {
    /// The value of `source` in the column `metadata`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::ReasoningSummary => "reasoning_summary",
            Self::Commentary => "commentary",
        }
    }
}
