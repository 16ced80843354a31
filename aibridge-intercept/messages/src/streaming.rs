//! Reads a stream of events, closed by `message_stop`.

use crate::blocks::Blocks;
use crate::usage::UsageCounter;
use aibridge_intercept::in_band::{has_error, is_error, is_error_event, is_named_error};
use aibridge_intercept::observer::{Ending, Searches};
use aibridge_intercept::{Error, EventAction, Observer, ResponseSummary, budget};
use aibridge_json::{Json, LenientText, Prefilter, StringLength};
use aibridge_sse::Event;
use bytes::Bytes;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The members and types for which a delta is parsed. A delta without any of them is a piece of text.
static PARSED: LazyLock<Prefilter> = LazyLock::new(|| {
    Prefilter::new(&[
        "usage",
        "error",
        "partial_json",
        "thinking",
        "message",
        "content_block",
        "message_stop",
    ])
});

static DELTA: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"content_block_delta\""));

static TEXT: LazyLock<StringLength> = LazyLock::new(|| StringLength::new("\"text\""));

/// Reads the response to one Messages request.
#[derive(Debug, Default)]
pub struct Streaming {
    response_id: Option<String>,
    model: Option<String>,
    usage: UsageCounter,
    blocks: Blocks,
    complete: bool,
    failed: bool,
}

impl Streaming {
    /// Reads the members of a message: of a whole response, or of the one in `message_start`.
    fn message(&mut self, message: Json<'_>) {
        let [id, model, usage] = message.members(["id", "model", "usage"]);
        let name = |json: Option<Json<'_>>| json.and_then(Json::non_empty_string).map(budget::identifier);
        self.response_id = self.response_id.take().or_else(|| name(id));
        self.model = self.model.take().or_else(|| name(model));
        self.usage.read(usage);
    }

    /// Reads `stop_reason`, and the `usage` that some servers put into the delta.
    fn message_delta(&mut self, delta: Json<'_>) {
        let [stop_reason, usage] = delta.members(["stop_reason", "usage"]);
        self.failed |= is_string(stop_reason, "error");
        self.usage.read(usage);
    }
}

impl Observer for Streaming {
    /// An error event is not terminal: usage may follow.
    fn event(&mut self, event: &Event) -> EventAction {
        let Some(data) = event.data() else {
            self.failed |= is_named_error(event);
            return EventAction::Relay;
        };
        self.failed |= is_error_event(event, &data);
        if !PARSED.matches(&data) && DELTA.find(&data).is_some() {
            self.blocks.skip(TEXT.sum(&data));
            return EventAction::Relay;
        }
        let text = LenientText::new(&data);
        let names = ["type", "message", "index", "content_block", "delta", "usage", "error", "object"];
        let Some([kind, message, index, block, delta, usage, error, object]) = text.object(names) else {
            self.failed |= text.json().is_some_and(is_error);
            return EventAction::Relay;
        };
        let kind = match kind.and_then(Json::string) {
            Some(kind) => kind.into_owned(),
            None => String::from_utf8_lossy(&event.event_type().unwrap_or_default()).trim().to_owned(),
        };
        self.failed |= has_error(error) || kind == "error" || is_string(object, "error");
        if let Some(message) = message {
            self.message(message);
        }
        match (&*kind, block, delta) {
            ("content_block_start", Some(block), _) => self.blocks.start(index, block),
            ("content_block_delta", _, Some(delta)) => self.blocks.delta(index, delta),
            (_, _, Some(delta)) => self.message_delta(delta),
            _ => {}
        }
        self.usage.read(usage);
        if kind == "message_stop" {
            self.complete = true;
            return EventAction::Terminal;
        }
        EventAction::Relay
    }

    fn body(&mut self, body: &[u8]) {
        let text = LenientText::new(body);
        let Some(message) = text.json().filter(|json| json.is_object()) else {
            self.failed = true;
            return;
        };
        let [kind, content, stop_reason] = message.members(["type", "content", "stop_reason"]);
        self.failed |= is_error(message) || is_string(kind, "error") || is_string(stop_reason, "error");
        self.message(message);
        if let Some(content) = content {
            self.blocks.read_all(content);
        }
        self.complete = true;
    }

    fn has_failed(&self) -> bool {
        self.failed
    }

    fn finish(&mut self) -> ResponseSummary {
        let Self { response_id, model, mut usage, mut blocks, complete, failed } = std::mem::take(self);
        let (characters, omits_tool_calls) = (blocks.characters(), blocks.omits_calls());
        let (tools, reasoning) = blocks.finish();
        ResponseSummary {
            response_id,
            model,
            service_tier: None,
            searches: Searches::default(),
            usage: usage.finish(),
            tools,
            omits_tool_calls,
            objects: Vec::new(),
            reasoning,
            ending: Ending::of(failed, complete),
            characters,
        }
    }

    /// The SDKs dispatch on the name of the event.
    fn error_event(&self, error: &Error) -> Bytes {
        let message = serde_json::Value::from(error.to_string());
        format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"api_error\",\"message\":{message}}}}}\n\n"
        )
        .into()
    }
}

fn is_string(json: Option<Json<'_>>, text: &str) -> bool {
    json.is_some_and(|json| json.is_string(text))
}

#[cfg(test)]
mod tests;
