//! A stream of chunks: `data: {json}`, closed by `data: [DONE]`.

use crate::blocking::Message;
use crate::tools::ToolCalls;
use crate::usage;
use aibridge_intercept::json::Json;
use aibridge_intercept::observer::{Ending, Usage};
use aibridge_intercept::scan::Interest;
use aibridge_intercept::sse::Event;
use aibridge_intercept::{Learnt, Verdict};
use aibridge_recorder::ThoughtSource;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// All that is read from a chunk once the response's id is known.
static TOLD: LazyLock<Interest> = LazyLock::new(|| {
    Interest::new(&["usage", "error", "finish_reason", "tool_calls", "reasoning_content", "reasoning"])
});

/// Reads a stream's chunks as they pass.
#[derive(Debug)]
pub struct Streaming {
    withhold_usage: bool,
    response_id: Option<String>,
    usage: Option<Usage>,
    tools: ToolCalls,
    /// Reasoning text by choice.
    thoughts: BTreeMap<i64, String>,
    ending: Ending,
}

impl Streaming {
    /// `withhold_usage`: the client did not ask for the usage chunk.
    pub fn new(withhold_usage: bool) -> Self {
        Self {
            withhold_usage,
            response_id: None,
            usage: None,
            tools: ToolCalls::default(),
            thoughts: BTreeMap::new(),
            ending: Ending::Missing,
        }
    }

    /// Reads the next event.
    pub fn event(&mut self, event: &Event) -> Verdict {
        let Some(data) = event.data() else { return Verdict::Relay };
        if data.trim_ascii() == b"[DONE]" {
            self.ending = Ending::Complete;
            return Verdict::Terminal;
        }
        if self.response_id.is_some() && !TOLD.is_in(&data) {
            return Verdict::Relay;
        }
        let Ok([id, choices, usage, error]) = Json::object(&data, ["id", "choices", "usage", "error"]) else {
            return Verdict::Relay;
        };
        if self.response_id.is_none() {
            self.response_id = id.and_then(Json::non_empty_string);
        }
        let usage = usage.and_then(usage::read);
        let tells_usage = usage.is_some();
        self.usage = usage.or(self.usage.take());
        if error.is_some_and(|error| !error.is_null()) {
            self.ending = Ending::Failed;
            return Verdict::Terminal;
        }
        let choices = choices.map(|choices| (choices.text().starts_with('['), choices.elements()));
        for choice in choices.iter().flat_map(|(_, choices)| choices) {
            self.choice(*choice);
        }
        let no_choices = choices.is_some_and(|(is_array, choices)| is_array && choices.is_empty());
        if self.withhold_usage && tells_usage && no_choices { Verdict::Withhold } else { Verdict::Relay }
    }

    fn choice(&mut self, choice: Json<'_>) {
        let [index, delta, finish_reason] = choice.members(["index", "delta", "finish_reason"]);
        let index = index.and_then(Json::integer).unwrap_or(0);
        if finish_reason.and_then(Json::string).is_some() {
            self.ending = Ending::Complete;
        }
        let Some(delta) = delta.map(Message::read) else { return };
        for entry in delta.tool_calls {
            self.tools.read(index, entry);
        }
        if let Some(piece) = delta.thought {
            self.thoughts.entry(index).or_default().push_str(&piece);
        }
    }

    /// What was learnt so far.
    pub fn finish(&mut self) -> Learnt {
        Learnt {
            response_id: self.response_id.take(),
            usage: self.usage.take(),
            tools: self.tools.finish(),
            thoughts: std::mem::take(&mut self.thoughts)
                .into_values()
                .map(|text| (ThoughtSource::Thinking, text))
                .collect(),
            ending: self.ending,
        }
    }
}

#[cfg(test)]
mod tests;
