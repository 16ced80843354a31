//! Parses an embeddings request. Its response is read like one of chat completions; only usage is recorded.

use crate::streaming::Streaming;
use aibridge_intercept::client::Client;
use aibridge_intercept::{Error, EventAction, Observer, ParsedRequest, Request, ResponseSummary};
use aibridge_json::Json;
use aibridge_recorder::ExtraValue;
use aibridge_sse::Event;
use bytes::Bytes;

/// Parses `request`. An input is a document rather than a prompt, so none is recorded.
///
/// # Errors
///
/// [`Error::InvalidJson`] if the body is not one JSON object, [`Error::InvalidModel`] if the model name is too long.
pub fn parse_request(request: &Request) -> Result<ParsedRequest, Error> {
    let [model, metadata] = Json::object(&request.body.text, ["model", "metadata"])?;
    Ok(ParsedRequest {
        model: ParsedRequest::model(model)?,
        streaming: false,
        prompt: None,
        correlating_tool_call_id: None,
        references: Vec::new(),
        client: Client::detect(&request.headers, metadata),
        observer: Box::new(Embeddings(Streaming::new(false))),
        edited: None,
    })
}

/// Reads the response to one embeddings request.
struct Embeddings(Streaming);

impl Observer for Embeddings {
    fn event(&mut self, event: &Event) -> EventAction {
        self.0.event(event)
    }

    fn body(&mut self, body: &[u8]) {
        self.0.body(body);
    }

    fn has_failed(&self) -> bool {
        self.0.has_failed()
    }

    /// Some vendors report a total only: there is no output, so all of it is input.
    fn finish(&mut self) -> ResponseSummary {
        let mut summary = self.0.finish();
        if let Some(usage) = &mut summary.usage
            && usage.total() == 0
        {
            usage.input = usage.extra.get("total_tokens").and_then(ExtraValue::count).unwrap_or(0);
        }
        summary
    }

    fn error_event(&self, error: &Error) -> Bytes {
        self.0.error_event(error)
    }
}
