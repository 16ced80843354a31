//! Observers, which extract the recorded content from a response.

use aibridge_error::Error;
use aibridge_recorder::{ExtraValue, Reasoning, ReasoningSource, Record, TokenUsage, ToolUsage, UsageCost};
use aibridge_sse::Event;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Reads the events of one response as they are relayed. A blocking response is a stream with one event: its body.
///
/// An observer is a small state machine without I/O. It collects the content until [`finish`](Self::finish).
pub trait Observer: Send {
    /// Reads the next event of a stream, and returns how to handle it.
    fn event(&mut self, event: &Event) -> EventAction;

    /// Reads a blocking response as a whole.
    fn body(&mut self, body: &[u8]);

    /// Whether an event so far reported an error.
    fn has_failed(&self) -> bool;

    /// The provider's ids of the objects that the response has made so far.
    fn objects(&self) -> &[String] {
        &[]
    }

    /// Returns the content. Called once, when the response has ended or broken off.
    fn finish(&mut self) -> ResponseSummary;

    /// `error` as an event of this API, for the middle of a stream.
    fn error_event(&self, error: &Error) -> Bytes;
}

/// The handling of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventAction {
    /// Send the event to the client.
    Relay,
    /// Drop the event, because the client did not request it and might fail on it.
    Withhold,
    /// The event completes the response: send it once the end records are durable.
    Terminal,
}

/// The content of a response that is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseSummary {
    /// The provider's id of the response.
    pub response_id: Option<String>,
    /// The model that the response names. It may differ from the requested one, and decides the price.
    pub model: Option<String>,
    /// The service tier that the response names, if not among the counts of its usage. It decides the price.
    pub service_tier: Option<String>,
    /// The searches that the provider ran and charges for one by one, if they are not among the counts of its usage.
    pub searches: Searches,
    /// The token counts, if the provider reported any.
    pub usage: Option<Usage>,
    /// The tool calls of the model.
    pub tools: Vec<ToolCall>,
    /// Whether the response has more tool calls than [are extracted](crate::budget::MAX_TOOL_CALLS).
    pub omits_tool_calls: bool,
    /// The provider's ids of the objects that the response made or used: they belong to the actor.
    pub objects: Vec<String>,
    /// Reasoning texts, in the order of the response.
    pub reasoning: Vec<ReasoningText>,
    /// The way in which the response ended.
    pub ending: Ending,
    /// The approximate number of characters that the model generated, for an estimate if `usage` is missing.
    pub characters: u64,
}

/// The searches that a provider ran for a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Searches {
    /// Searches of the web.
    pub web: u64,
    /// Searches in files that are stored at the provider.
    pub file: u64,
}

/// The way in which a response ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// The response has no end so far.
    #[default]
    Missing,
    /// The response is complete.
    Complete,
    /// The provider reported an error.
    Failed,
}

impl Ending {
    /// The ending of a response that reported an error, or had its end.
    pub fn of(has_failed: bool, is_complete: bool) -> Self {
        match (has_failed, is_complete) {
            (true, _) => Self::Failed,
            (false, true) => Self::Complete,
            (false, false) => Self::Missing,
        }
    }
}

/// The token counts of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, without those read from or written to a cache.
    pub input: i64,
    /// Output tokens, including reasoning.
    pub output: i64,
    /// Input tokens read from the provider's cache.
    pub cache_read: i64,
    /// Input tokens written to the provider's cache.
    pub cache_write: i64,
    /// Additional counts and properties by name.
    pub extra: BTreeMap<String, ExtraValue>,
    /// The cost that the provider reports: a JSON number, as it was sent.
    pub cost: Option<String>,
    /// The parts of the usage, if the provider reports them: one for each time that a model ran. Each has its own price.
    pub parts: Vec<UsagePart>,
}

/// A part of the usage of a response, by one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsagePart {
    /// The model; `None` for that of the response.
    pub model: Option<String>,
    /// Its token counts, which have no parts of their own.
    pub usage: Usage,
}

impl Usage {
    /// All tokens that count against a provider's limit: including cached ones, each once.
    pub fn total(&self) -> u64 {
        let counts = [self.input, self.output, self.cache_read, self.cache_write];
        counts.into_iter().map(|count| u64::try_from(count).unwrap_or(0)).fold(0, u64::saturating_add)
    }
}

/// A tool call of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's id of the tool call.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The MCP server that runs the tool, if the response names one.
    pub server_url: Option<String>,
    /// The arguments: JSON text, or the string as it was sent.
    pub input: String,
    /// Whether the end of a text is missing, because the response exceeds the [budget](crate::budget).
    pub truncated: bool,
}

/// One reasoning text of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasoningText {
    /// The place of the text in the response.
    pub source: ReasoningSource,
    /// The text, or its start.
    pub text: String,
    /// Whether the end is missing, because the response exceeds the [budget](crate::budget).
    pub truncated: bool,
}

impl ResponseSummary {
    /// The tokens that count against a limit, and whether they are an estimate. Without a reported usage, 4 characters
    /// count as one output token.
    pub fn limit_tokens(&self) -> (u64, bool) {
        match self.usage.as_ref().map_or(0, Usage::total) {
            0 => (self.characters.div_ceil(4), true),
            total => (total, false),
        }
    }

    /// The records of the interception `interception_id`, with the time `now`. A response without usage whose cost was
    /// `charged` by an estimate has a usage without counts.
    pub fn into_records(
        self,
        interception_id: Uuid,
        charged: Option<UsageCost>,
        now: Timestamp,
    ) -> Vec<Record> {
        let Self { response_id, usage, tools, reasoning, .. } = self;
        let charged = charged.unwrap_or_default();
        let usage = usage.or_else(|| charged.is_estimate().then(Usage::default));
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
                charged,
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
                server_url: tool.server_url,
                input: tool.input,
                injected: false,
                invocation_error: None,
                truncated: tool.truncated,
                created_at: now,
            }))
        });
        let reasoning = reasoning.into_iter().map(|ReasoningText { source, text, truncated }| {
            Record::Reasoning(Reasoning {
                id: Uuid::now_v7(),
                interception_id,
                content: text,
                source,
                truncated,
                created_at: now,
            })
        });
        usage.into_iter().chain(tools).chain(reasoning).collect()
    }
}
