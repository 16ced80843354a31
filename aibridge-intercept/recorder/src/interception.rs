use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A row of `aibridge_interceptions`, as it is when the request has been read and nothing was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Interception {
    /// A UUIDv7.
    pub id: Uuid,
    /// On whose behalf the request is made.
    pub initiator_id: String,
    /// The provider's type, e.g. `openai`.
    pub provider: String,
    /// The provider's configured name.
    pub provider_name: String,
    /// The model as the client named it; `unknown` if it named none.
    pub model: String,
    /// The bridged route, e.g. `/chat/completions`.
    pub route: String,
    /// Whether the client asked for a stream.
    pub streaming: bool,
    /// The client program, e.g. `Codex`.
    pub client: String,
    /// The client's own id of its session.
    pub client_session_id: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// Whose key pays.
    pub credential_kind: CredentialKind,
    /// The masked BYOK credential; empty while a centralized key is not chosen yet.
    pub credential_hint: String,
    /// The tool call that this request brings the result of.
    pub correlating_tool_call_id: Option<String>,
    /// What else is known about the actor.
    pub metadata: BTreeMap<String, String>,
    /// When the request was accepted.
    pub started_at: Timestamp,
}

/// Whose key authenticates the upstream request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A key of the provider's key pool.
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

/// A row of `aibridge_user_prompts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPrompt {
    /// A UUIDv7.
    pub id: Uuid,
    /// The interception that it belongs to.
    pub interception_id: Uuid,
    /// The text, in full.
    pub prompt: String,
    /// When it was read.
    pub created_at: Timestamp,
}
