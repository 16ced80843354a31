//! Assembles the tool calls and the reasoning of a response, within the budget. A blocking response contains them whole, a
//! stream in pieces. The dialects parse the pieces.

use crate::budget::Budget;
use crate::observer::{ReasoningText, ToolCall};
use aibridge_recorder::ReasoningSource;
use std::collections::HashSet;

/// The tool calls of one response.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<ToolCall>,
    /// The positions of calls with text as their input.
    with_text_input: HashSet<usize>,
    budget: Budget,
}

impl ToolCalls {
    /// Starts a call and returns its position. `None` if the budget is exhausted.
    pub fn start(&mut self) -> Option<usize> {
        if !self.budget.take_row() {
            if let Some(last) = self.calls.last_mut() {
                last.truncated = true;
            }
            return None;
        }
        self.calls.push(ToolCall::default());
        Some(self.calls.len() - 1)
    }

    /// The call at a position.
    pub fn get(&self, at: usize) -> Option<&ToolCall> {
        self.calls.get(at)
    }

    /// Sets the id, unless it is empty or the call has one.
    pub fn set_id(&mut self, at: usize, id: &str) {
        self.set(at, id, |call| &mut call.id);
    }

    /// Sets the server that runs the tool, unless it is empty or the call has one.
    pub fn set_server_url(&mut self, at: usize, server_url: &str) {
        self.set(at, server_url, |call| &mut call.server_url);
    }

    /// Sets the name, unless the call has one.
    pub fn set_name(&mut self, at: usize, name: &str) {
        let Self { calls, budget, .. } = self;
        if let Some(call) = calls.get_mut(at).filter(|call| call.name.is_empty()) {
            call.truncated |= !budget.append(&mut call.name, name);
        }
    }

    /// Appends a piece of the arguments.
    pub fn append_input(&mut self, at: usize, piece: &str) {
        let Self { calls, budget, .. } = self;
        if let Some(call) = calls.get_mut(at) {
            call.truncated |= !budget.append(&mut call.input, piece);
        }
    }

    /// Marks the input of a call as text in a format of the tool's own. It becomes a JSON string, even if it looks like
    /// JSON.
    pub fn treat_input_as_text(&mut self, at: usize) {
        self.with_text_input.insert(at);
    }

    fn set(&mut self, at: usize, text: &str, member: fn(&mut ToolCall) -> &mut Option<String>) {
        let Self { calls, budget, .. } = self;
        let Some(call) = calls.get_mut(at) else { return };
        if member(call).is_none() && !text.is_empty() {
            let capped = budget.copy(text);
            call.truncated |= capped.truncated;
            *member(call) = Some(capped.text).filter(|text| !text.is_empty());
        }
    }

    /// Returns the calls, in the order in which they started.
    pub fn finish(&mut self) -> Vec<ToolCall> {
        let Self { mut calls, with_text_input, budget: _ } = std::mem::take(self);
        for at in with_text_input {
            if let Some(call) = calls.get_mut(at) {
                call.input = serde_json::Value::from(std::mem::take(&mut call.input)).to_string();
            }
        }
        calls
    }
}

/// The reasoning texts of one response.
#[derive(Debug, Default)]
pub struct ReasoningTexts {
    texts: Vec<ReasoningText>,
    budget: Budget,
}

impl ReasoningTexts {
    /// Starts a text and returns its position. `None` if the budget is exhausted.
    pub fn start(&mut self, source: ReasoningSource) -> Option<usize> {
        if !self.budget.take_row() {
            if let Some(last) = self.texts.last_mut() {
                last.truncated = true;
            }
            return None;
        }
        self.texts.push(ReasoningText { source, text: String::new(), truncated: false });
        Some(self.texts.len() - 1)
    }

    /// Appends a piece to a text.
    pub fn append(&mut self, at: usize, piece: &str) {
        let Self { texts, budget } = self;
        if let Some(text) = texts.get_mut(at) {
            text.truncated |= !budget.append(&mut text.text, piece);
        }
    }

    /// Returns the texts that are not empty, in the order in which they started.
    pub fn finish(&mut self) -> Vec<ReasoningText> {
        let mut texts = std::mem::take(self).texts;
        texts.retain(|text| !text.text.is_empty());
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MAX_EXTRACTED_BYTES;

    #[test]
    fn a_call_keeps_its_first_id_and_name_and_joins_its_input() {
        let mut calls = ToolCalls::default();
        let at = calls.start().unwrap();
        for (id, name, piece) in [("", "", "{"), ("a", "read", "\"p\":1"), ("b", "write", "}")] {
            calls.set_id(at, id);
            calls.set_name(at, name);
            calls.append_input(at, piece);
        }
        calls.append_input(at + 1, "no such call");
        let expected = ToolCall {
            id: Some("a".into()),
            name: "read".into(),
            input: "{\"p\":1}".into(),
            ..ToolCall::default()
        };
        assert_eq!(calls.finish(), [expected]);
        assert!(calls.finish().is_empty());
    }

    #[test]
    fn an_exhausted_budget_marks_the_last_text() {
        let mut calls = ToolCalls::default();
        let mut texts = ReasoningTexts::default();
        let (call, text) = (calls.start().unwrap(), texts.start(ReasoningSource::Thinking).unwrap());
        let long = "x".repeat(MAX_EXTRACTED_BYTES - 64);
        calls.append_input(call, &long);
        texts.append(text, &long);
        assert_eq!((calls.start(), texts.start(ReasoningSource::Thinking)), (None, None));
        assert_eq!((calls.finish()[0].truncated, texts.finish()[0].truncated), (true, true));
    }
}
