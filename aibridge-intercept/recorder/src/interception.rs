//! The start of an interception: its row and its prompt.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A row of `aibridge_interceptions` at the start: the request has been read, and nothing has been sent upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interception {
    /// The id of the interception, a UUIDv7.
    pub id: Uuid,
    /// The id of the actor.
    pub initiator_id: String,
    /// The provider's type, e.g. `openai`.
    pub provider: String,
    /// The configured name of the provider.
    pub provider_name: String,
    /// The model name in the request; `unknown` if the request has none.
    pub model: String,
    /// The bridged route, e.g. `/chat/completions`.
    pub route: String,
    /// Whether the request is for a stream.
    pub streaming: bool,
    /// The client program, e.g. `Codex`.
    pub client: String,
    /// The session id that the client sent.
    pub client_session_id: Option<String>,
    /// The value of the `User-Agent` header.
    pub user_agent: Option<String>,
    /// Whether a pooled key or a BYOK credential authenticates the upstream request.
    pub credential_kind: CredentialKind,
    /// The masked BYOK credential. Empty for a pooled key, which is chosen later.
    pub credential_hint: String,
    /// The id of the tool call whose result is the last message of the request.
    pub correlating_tool_call_id: Option<String>,
    /// Further attributes of the actor, by name.
    pub metadata: BTreeMap<String, String>,
    /// The time at which the gateway accepted the request.
    pub started_at: Timestamp,
}

/// The kind of credential that authenticates the upstream request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A pooled key, which the gateway provides.
    Centralized,
    /// The credential that the client sent ("bring your own key").
    Byok,
}

impl CredentialKind {
    /// The value of the column `credential_kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Centralized => "centralized",
            Self::Byok => "byok",
        }
    }
}

/// A row of `aibridge_user_prompts`: the prompt of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPrompt {
    /// The id of the row, a UUIDv7.
    pub id: Uuid,
    /// The interception that the prompt belongs to.
    pub interception_id: Uuid,
    /// The whole prompt text.
    pub prompt: String,
    /// The time at which the request was read.
    pub created_at: Timestamp,
}
