//! A stream of chunks: `data: {json}`, closed by `data: [DONE]`.

use crate::reader::Reader;
use aibridge_intercept::in_band::{is_error, is_error_event};
use aibridge_intercept::{EventAction, ResponseSummary};
use aibridge_json::LenientText;
use aibridge_json::{Prefilter, StringLength};
use aibridge_sse::Event;
use std::sync::LazyLock;

/// What is read from a chunk once the response's id is known. A chunk without any of it is a piece of content of the
/// choice 0.
static READ: LazyLock<Prefilter> = LazyLock::new(|| {
    let members = [
        "usage",
        "error",
        "finish_reason",
        "tool_calls",
        "function_call",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thinking",
    ];
    Prefilter::new(&members).or_nonzero("index")
});

static CONTENT: LazyLock<StringLength> = LazyLock::new(|| StringLength::new("\"content\""));

/// Reads a stream's chunks as they pass.
#[derive(Debug)]
pub struct Streaming {
    withhold_usage: bool,
    reader: Reader,
    done: bool,
}

impl Streaming {
    /// `withhold_usage`: the client did not ask for the usage chunk.
    pub fn new(withhold_usage: bool) -> Self {
        Self { withhold_usage, reader: Reader::default(), done: false }
    }

    /// Reads the next event. An error does not end the stream: usage may follow.
    pub fn event(&mut self, event: &Event) -> EventAction {
        let Some(data) = event.data() else { return EventAction::Relay };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return EventAction::Terminal;
        }
        let is_error_event = is_error_event(event, &data);
        if is_error_event {
            self.reader.fail();
        }
        if self.reader.has_id() && !READ.matches(&data) {
            self.reader.skipped(CONTENT.sum(&data));
            return EventAction::Relay;
        }
        match self.reader.object(&data, false) {
            Some(read) if self.withhold_usage && read.usage_only && !is_error_event => {
                return EventAction::Withhold;
            }
            Some(_) => {}
            None if LenientText::new(&data).json().is_some_and(is_error) => self.reader.fail(),
            None => {}
        }
        EventAction::Relay
    }

    /// Whether an event so far reported an error.
    pub fn has_failed(&self) -> bool {
        self.reader.has_failed()
    }

    /// What was learnt so far.
    pub fn finish(&mut self) -> ResponseSummary {
        self.reader.finish(self.done)
    }
}

#[cfg(test)]
mod tests;
