//! The observer of the response to a responses request.

use crate::blocking;
use crate::streaming::Streaming;
use aibridge_intercept::{Error, EventAction, Observer, ResponseSummary};
use aibridge_sse::Event;
use bytes::Bytes;

/// Reads the response to one responses request.
#[derive(Debug, Default)]
pub struct Response {
    streaming: Streaming,
    whole: Option<ResponseSummary>,
}

impl Observer for Response {
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
        let message = serde_json::Value::from(error.to_string());
        let (code, number) = (error.code(), self.streaming.event_count());
        format!(
            "event: error\ndata: {{\"type\":\"error\",\"code\":\"{code}\",\"message\":{message},\"param\":null,\
             \"sequence_number\":{number}}}\n\n"
        )
        .into()
    }
}
