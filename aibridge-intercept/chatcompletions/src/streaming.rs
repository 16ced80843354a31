//! Reads a stream of chunks: `data: {json}`, closed by `data: [DONE]`.

use crate::reader::Reader;
use aibridge_intercept::in_band::{is_done, is_error, is_error_event, is_named_error};
use aibridge_intercept::{Error, ErrorResponse, EventAction, Observer, ResponseSummary};
use aibridge_json::{LenientText, Prefilter, StringLength};
use aibridge_sse::Event;
use bytes::Bytes;
use std::sync::LazyLock;

/// The members for which a chunk is parsed once the response's id is known. A chunk without any of them is a piece of
/// content of choice 0.
static PARSED_MEMBERS: LazyLock<Prefilter> = LazyLock::new(|| {
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

/// Whether a chunk contains a choice: some are empty.
fn names_choice(chunk: &[u8]) -> bool {
    memchr::memmem::find(chunk, b"\"delta\"").is_some()
}

/// Reads the response to one chat completions request.
#[derive(Debug)]
pub struct Streaming {
    withhold_usage: bool,
    reader: Reader,
    done: bool,
}

impl Streaming {
    /// Creates a reader. With `withhold_usage`, it withholds the usage chunk of a stream from the client, because only the
    /// gateway requested it.
    pub fn new(withhold_usage: bool) -> Self {
        Self { withhold_usage, reader: Reader::default(), done: false }
    }
}

impl Observer for Streaming {
    /// An error event is not terminal: usage may follow.
    fn event(&mut self, event: &Event) -> EventAction {
        let Some(data) = event.data() else {
            if is_named_error(event) {
                self.reader.fail();
            }
            return EventAction::Relay;
        };
        if is_done(&data) {
            self.done = true;
            return EventAction::Terminal;
        }
        let is_error_event = is_error_event(event, &data);
        if is_error_event {
            self.reader.fail();
        }
        if self.reader.has_id() && !PARSED_MEMBERS.matches(&data) {
            let characters = CONTENT.sum(&data);
            self.reader.skip(characters, characters > 0 || names_choice(&data));
            return EventAction::Relay;
        }
        match self.reader.object(&data, false) {
            Some(object) if self.withhold_usage && object.usage_only && !is_error_event => {
                return EventAction::Withhold;
            }
            Some(_) => {}
            None if LenientText::new(&data).json().is_some_and(is_error) => self.reader.fail(),
            None => {}
        }
        EventAction::Relay
    }

    fn body(&mut self, body: &[u8]) {
        if self.reader.object(body, true).is_none() {
            self.reader.fail();
        }
        self.done = true;
    }

    fn has_failed(&self) -> bool {
        self.reader.has_failed()
    }

    fn finish(&mut self) -> ResponseSummary {
        self.reader.finish(self.done)
    }

    fn error_event(&self, error: &Error) -> Bytes {
        format!("data: {{\"error\":{}}}\n\n", ErrorResponse::from(error).to_object()).into()
    }
}

#[cfg(test)]
mod tests;
