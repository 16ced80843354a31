//! Reading an answer on the side.

use crate::error::Error;
use crate::sse::Event;
use aibridge_recorder::{Reasoning, ReasoningSource, Record, TokenUsage, ToolUsage};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Reads the events of one answer as they pass. A blocking answer is a stream with one event: its body.
///
/// A small state machine without I/O: what it learns it keeps until [`finish`](Self::finish).
pub trait Observer: Send {
    /// Reads the next event of a stream and says what becomes of it.
    fn event(&mut self, event: &Event) -> EventAction;

    /// Reads a blocking answer, whole.
    fn body(&mut self, body: &[u8]);

    /// What was learnt; asked once, when the answer is over or broke off.
    fn finish(&mut self) -> ResponseSummary;

    /// How this API tells an error in the middle of a stream.
    fn error_event(&self, error: &Error) -> Bytes;
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventAction {
    /// It goes on to the client.
    Relay,
    /// The client did not ask for it and could not bear it.
    Withhold,
    /// It is the last that means anything: it goes on when everything is recorded.
    Terminal,
}

/// What an answer told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseSummary {
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Tokens spent.
    pub usage: Option<Usage>,
    /// Tools picked.
    pub tools: Vec<ToolCall>,
    /// The provider's ids of the objects that the response made or used: they belong to the actor.
    pub objects: Vec<String>,
    /// Reasoning, in the order of the response.
    pub thoughts: Vec<Thought>,
    /// How it ended.
    pub ending: Ending,
    /// About how many characters the model generated. Only for an estimate where `usage` is missing.
    pub characters: u64,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// It was not over yet.
    #[default]
    Missing,
    /// Properly.
    Complete,
    /// The provider said that it failed.
    Failed,
}

/// Tokens spent on an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, without those read from or written to a cache.
    pub input: i64,
    /// Output tokens.
    pub output: i64,
    /// Input tokens read from the provider's cache.
    pub cache_read: i64,
    /// Input tokens written to the provider's cache.
    pub cache_write: i64,
    /// Further counts by name.
    pub extra: BTreeMap<String, i64>,
    /// The cost that the provider states: a JSON number as the provider spells it.
    pub cost: Option<String>,
}

impl Usage {
    /// All tokens that providers count against a limit: cached ones too, but nothing twice.
    pub fn total(&self) -> u64 {
        let counts = [self.input, self.output, self.cache_read, self.cache_write];
        counts.into_iter().map(|count| u64::try_from(count).unwrap_or(0)).fold(0, u64::saturating_add)
    }
}

/// A tool that the model picked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// JSON text, or the string as it came.
    pub input: String,
    /// Whether the end of a text is missing because the response is larger than what is gathered.
    pub truncated: bool,
}

/// A piece of reasoning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thought {
    /// Where in the response it stood.
    pub source: ReasoningSource,
    /// The text.
    pub text: String,
    /// Whether its end is missing because the response is larger than what is gathered.
    pub truncated: bool,
}

impl ResponseSummary {
    /// The tokens that count against a limit, and whether they are an estimate: one output token for 4 characters where
    /// the provider states no usage.
    pub fn limit_tokens(&self) -> (u64, bool) {
        match self.usage.as_ref().map_or(0, Usage::total) {
            0 => (self.characters.div_ceil(4), true),
            total => (total, false),
        }
    }
}

impl ResponseSummary {
    /// As records of the interception `interception_id`, learnt at `now`.
    pub(crate) fn into_records(self, interception_id: Uuid, now: Timestamp) -> Vec<Record> {
        let Self { response_id, usage, tools, thoughts, objects: _, ending: _, characters: _ } = self;
        let usage = usage.map(|usage| {
            Record::TokenUsage(TokenUsage {
                id: Uuid::now_v7(),
                interception_id,
                provider_response_id: response_id.clone(),
                input_tokens: usage.input,
                output_tokens: usage.output,
                cache_read_input_tokens: usage.cache_read,
                cache_write_input_tokens: usage.cache_write,
                extra_token_types: usage.extra,
                cost: usage.cost,
                created_at: now,
            })
        });
        let tools = tools.into_iter().map(|tool| {
            Record::ToolUsage(Box::new(ToolUsage {
                id: Uuid::now_v7(),
                interception_id,
                provider_response_id: response_id.clone(),
                provider_tool_call_id: tool.id,
                tool: tool.name,
                server_url: None,
                input: tool.input,
                injected: false,
                invocation_error: None,
                truncated: tool.truncated,
                created_at: now,
            }))
        });
        let thoughts = thoughts.into_iter().map(|Thought { source, text, truncated }| {
            Record::Reasoning(Reasoning {
                id: Uuid::now_v7(),
                interception_id,
                content: text,
                source,
                truncated,
                created_at: now,
            })
        });
        usage.into_iter().chain(tools).chain(thoughts).collect()
    }
}
