//! Assembles the tool calls and the reasoning of a response, within the budget. A blocking response contains them whole, a
//! stream in pieces. The dialects parse the pieces.

use crate::budget::{Budget, MAX_TOOL_CALLS};
use crate::observer::{ReasoningText, ToolCall};
use aibridge_recorder::ReasoningSource;
use std::collections::HashSet;

/// The tool calls of one response. A call whose arguments exceed the budget still has a row.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<ToolCall>,
    /// The positions of calls with text as their input.
    with_text_input: HashSet<usize>,
    /// The budget of the arguments.
    budget: Budget,
    /// The budget of ids, names and servers.
    name_budget: Budget,
    omits_calls: bool,
}

impl ToolCalls {
    /// Starts a call and returns its position. `None` if there are [`MAX_TOOL_CALLS`] already; the last of them is then
    /// marked as truncated.
    pub fn start(&mut self) -> Option<usize> {
        if self.calls.len() == MAX_TOOL_CALLS {
            self.omits_calls = true;
            if let Some(last) = self.calls.last_mut() {
                last.truncated = true;
            }
            return None;
        }
        self.calls.push(ToolCall::default());
        Some(self.calls.len() - 1)
    }

    /// Whether the response has more calls than are extracted.
    pub fn omits_calls(&self) -> bool {
        self.omits_calls
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
        let Self { calls, name_budget, .. } = self;
        if let Some(call) = calls.get_mut(at).filter(|call| call.name.is_empty()) {
            call.truncated |= !name_budget.append_name(&mut call.name, name);
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
        let Self { calls, name_budget, .. } = self;
        let Some(call) = calls.get_mut(at) else { return };
        if member(call).is_none() && !text.is_empty() {
            let mut kept = String::new();
            call.truncated |= !name_budget.append_name(&mut kept, text);
            *member(call) = Some(kept).filter(|kept| !kept.is_empty());
        }
    }

    /// Returns the calls, in the order in which they started.
    pub fn finish(&mut self) -> Vec<ToolCall> {
        let Self { mut calls, with_text_input, .. } = std::mem::take(self);
        for at in with_text_input {
            let is_cut_off = |call: &ToolCall| call.truncated && call.input.is_empty();
            if let Some(call) = calls.get_mut(at).filter(|call| !is_cut_off(call)) {
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
        let mut texts = ReasoningTexts::default();
        let text = texts.start(ReasoningSource::Thinking).unwrap();
        texts.append(text, &"x".repeat(MAX_EXTRACTED_BYTES - 64));
        assert_eq!(texts.start(ReasoningSource::Thinking), None);
        assert!(texts.finish()[0].truncated);
    }

    fn call(calls: &mut ToolCalls, id: &str, name: &str, input: &str) {
        let at = calls.start().unwrap();
        calls.set_id(at, id);
        calls.set_name(at, name);
        calls.append_input(at, input);
    }

    #[test]
    fn a_call_after_the_cap_is_kept_without_arguments() {
        let mut calls = ToolCalls::default();
        call(&mut calls, "a", "write", &"x".repeat(MAX_EXTRACTED_BYTES));
        call(&mut calls, "b", "remove", "{}");
        calls.treat_input_as_text(1);
        call(&mut calls, "c", "list", "");
        let kept = calls.finish();
        assert_eq!((kept[0].input.len(), kept[0].truncated), (MAX_EXTRACTED_BYTES, false));
        let rest = kept[1..].iter().map(|call| {
            (call.id.as_deref().unwrap(), call.name.as_str(), call.input.as_str(), call.truncated)
        });
        assert_eq!(rest.collect::<Vec<_>>(), [("b", "remove", "", true), ("c", "list", "", false)]);
    }

    #[test]
    fn a_long_name_leaves_room_for_other_names_and_arguments() {
        let mut calls = ToolCalls::default();
        let long = "ä".repeat(MAX_EXTRACTED_BYTES);
        call(&mut calls, &long, &long, "{}");
        call(&mut calls, "b", "remove", "{}");
        let kept = calls.finish();
        assert_eq!((kept[0].name.len(), kept[0].input.as_str(), kept[0].truncated), (64 << 10, "{}", true));
        assert_eq!((kept[1].name.as_str(), kept[1].truncated), ("remove", false));
    }

    #[test]
    fn further_calls_are_omitted_with_a_mark() {
        let mut calls = ToolCalls::default();
        while calls.start().is_some() {
            assert_eq!(calls.omits_calls(), calls.calls.len() > MAX_TOOL_CALLS);
        }
        assert!(calls.omits_calls());
        let kept = calls.finish();
        assert_eq!((kept.len(), kept[0].truncated), (MAX_TOOL_CALLS, false));
        assert!(kept.last().unwrap().truncated);
    }
}
