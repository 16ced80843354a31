//! The observer of a chat completions response.

use crate::blocking;
use crate::streaming::Streaming;
use aibridge_intercept::{Error, EventAction, Observer, ResponseSummary};
use aibridge_sse::Event;
use bytes::Bytes;

/// Reads the response to one chat completions request.
#[derive(Debug)]
pub struct ChatCompletion {
    streaming: Streaming,
    whole: Option<ResponseSummary>,
}

impl ChatCompletion {
    /// Creates an observer. With `withhold_usage`, it withholds the usage chunk of a stream from the client, whose
    /// request does not include it.
    pub fn new(withhold_usage: bool) -> Self {
        Self { streaming: Streaming::new(withhold_usage), whole: None }
    }
}

impl Observer for ChatCompletion {
    fn event(&mut self, event: &Event) -> EventAction {
        self.streaming.event(event)
    }

    fn body(&mut self, body: &[u8]) {
        self.whole = Some(blocking::summarize(body));
    }

    fn has_failed(&self) -> bool {
        self.streaming.has_failed()
    }

    fn finish(&mut self) -> ResponseSummary {
        self.whole.take().unwrap_or_else(|| self.streaming.finish())
    }

    fn error_event(&self, error: &Error) -> Bytes {
        format!("data: {{\"error\":{}}}\n\n", error.to_object()).into()
    }
}
