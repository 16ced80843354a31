//! Schemas of one session: its sums, its timeline, its texts and the matches of a search.

use super::{Interception, Session, Tokens};
use jiff::Timestamp;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A session with its sums.
#[derive(ToSchema)]
pub struct SessionDetail {
    /// The session, as in the list.
    #[serde(flatten)]
    pub session: Session,
    /// The first interception that failed; `null` if none did.
    #[schema(required)]
    pub first_failure_id: Option<Uuid>,
    /// The number of tool calls.
    pub tool_calls: u64,
}

/// A page of the interceptions of a session.
#[derive(ToSchema)]
pub struct TimelinePage {
    /// The interceptions, oldest first.
    pub data: Vec<TimelineStep>,
    /// The cursor of the next page; `null` on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An interception with the beginnings of its texts.
#[derive(ToSchema)]
pub struct TimelineStep {
    /// The columns of the interception.
    #[serde(flatten)]
    pub interception: Interception,
    /// The sums of its token counts.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// The prompts of the user, at most 1000 characters of each.
    pub prompts: Vec<Excerpt>,
    /// The reasoning in the response, at most 200 characters of each piece.
    pub reasoning: Vec<Excerpt>,
    /// The tool calls of the model.
    pub tool_calls: Vec<TimelineToolCall>,
    /// Whether items are missing: a page has at most 500 of each kind.
    pub has_more_items: bool,
}

/// The beginning of a text.
#[derive(ToSchema)]
pub struct Excerpt {
    /// The id of the item.
    pub id: Uuid,
    /// The beginning of the text.
    pub excerpt: String,
    /// The size of the whole text in bytes.
    pub bytes: u64,
}

/// A tool call with the beginning of its input, at most 200 characters.
#[derive(ToSchema)]
pub struct TimelineToolCall {
    /// The beginning of its input.
    #[serde(flatten)]
    pub input: Excerpt,
    /// The name of the tool.
    pub tool: String,
    /// The provider's id of the tool call, which the request with its result repeats.
    #[schema(required)]
    pub provider_tool_call_id: Option<String>,
    /// The MCP server that provides an injected tool.
    #[schema(required)]
    pub server_url: Option<String>,
    /// Whether the gateway ran the tool.
    pub injected: bool,
    /// The cause if the call of an injected tool failed.
    #[schema(required)]
    pub invocation_error: Option<String>,
    /// The time at which the call was received.
    pub created_at: Timestamp,
    /// Contains `truncated: true` if a text of the row is cut or missing, or if later tool calls have no rows.
    pub metadata: BTreeMap<String, bool>,
}

/// The text of an item, or its beginning.
#[derive(ToSchema)]
pub struct Content {
    /// The text, at most 64 KiB of it.
    pub text: String,
    /// The size of the whole text in bytes.
    pub bytes: u64,
    /// Whether the end of the text is missing.
    pub is_cut: bool,
}

/// The items that contain a text.
#[derive(ToSchema)]
pub struct MatchList {
    /// The items, oldest first, at most 1000 of each kind.
    pub data: Vec<Match>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An item that contains a text.
#[derive(ToSchema)]
pub struct Match {
    /// The interception of the item.
    pub interception_id: Uuid,
    /// The kind of the item.
    pub kind: ContentKind,
    /// The id of the item.
    pub id: Uuid,
    /// The number of matches.
    pub matches: u64,
}

/// The kind of an item with a text.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ContentKind {
    /// A prompt of the user.
    Prompts,
    /// The input of a tool call.
    ToolCalls,
    /// A piece of reasoning.
    Reasoning,
}

/// The interceptions that started or ended.
#[derive(ToSchema)]
pub struct LivePage {
    /// The interceptions in their present state, the latest change last.
    pub data: Vec<super::InterceptionSummary>,
    /// The position from which the next call continues.
    pub after: String,
    /// Whether changes are missing: read the list again.
    pub missed: bool,
}
