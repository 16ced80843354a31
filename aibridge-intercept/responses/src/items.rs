//! Reads the items of a response's `output`: tool calls and reasoning.

use aibridge_intercept::assembly::{ReasoningTexts, ToolCalls};
use aibridge_intercept::observer::Searches;
use aibridge_json::Json;
use aibridge_recorder::ReasoningSource;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The types of tool calls other than functions and custom tools. The tool's name is the type without `_call`.
const BUILT_IN_CALLS: [&str; 9] = [
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "mcp_call",
    "web_search_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "image_generation_call",
];

/// Collects the tool calls and the reasoning of items.
#[derive(Debug, Default)]
pub(crate) struct Items {
    pub(crate) tools: ToolCalls,
    pub(crate) reasoning: ReasoningTexts,
    /// The approximate number of generated characters.
    pub(crate) characters: u64,
    /// The searches that the provider ran.
    pub(crate) searches: Searches,
    /// The texts of the current item, by their hash, with the source of the first one.
    texts_of_item: HashMap<u64, ReasoningSource>,
    hasher: RandomState,
}

impl Items {
    /// Reads all items of an `output`.
    pub(crate) fn read_all(&mut self, output: Json<'_>) {
        output.for_each_element(|item| self.read(item));
    }

    /// Reads one item of an `output`.
    pub(crate) fn read(&mut self, item: Json<'_>) {
        let kind = item.member("type").and_then(Json::string);
        match kind.as_deref() {
            Some("function_call") => self.function_call(item),
            Some("custom_tool_call") => self.custom_tool_call(item),
            Some("reasoning") => self.reasoning(item),
            Some("message") => self.message(item),
            Some(kind) if BUILT_IN_CALLS.contains(&kind) => self.built_in_call(item, kind),
            _ => {}
        }
    }

    fn function_call(&mut self, item: Json<'_>) {
        let [call_id, name, arguments] = item.members(["call_id", "name", "arguments"]);
        let name = name.and_then(Json::string).unwrap_or_default();
        self.call(call_id, &name, &arguments.map(text_or_json).unwrap_or_default());
    }

    fn custom_tool_call(&mut self, item: Json<'_>) {
        let [call_id, name, input] = item.members(["call_id", "name", "input"]);
        let name = name.and_then(Json::string).unwrap_or_default();
        if let Some(at) = self.call(call_id, &name, &input.map(text_or_json).unwrap_or_default()) {
            self.tools.treat_input_as_text(at);
        }
    }

    fn built_in_call(&mut self, item: Json<'_>, kind: &str) {
        let [call_id, id, action, operation] = item.members(["call_id", "id", "action", "operation"]);
        let not_null = |json: &Json<'_>| !json.is_null();
        let input = action.filter(not_null).or(operation.filter(not_null)).unwrap_or(item);
        let has_call_id = call_id.and_then(Json::string).is_some_and(|id| !id.is_empty());
        let id = if has_call_id { call_id } else { id };
        let name = kind.strip_suffix("_call").unwrap_or(kind);
        self.searches.web += u64::from(name == "web_search");
        self.searches.file += u64::from(name == "file_search");
        self.call(id, name, &text_or_json(input));
    }

    /// Adds a call and returns its position. `None` if there are too many.
    fn call(&mut self, id: Option<Json<'_>>, name: &str, input: &str) -> Option<usize> {
        self.characters += input.chars().count() as u64;
        let at = self.tools.start()?;
        self.tools.set_id(at, &id.and_then(Json::string).unwrap_or_default());
        self.tools.set_name(at, name);
        self.tools.append_input(at, input);
        Some(at)
    }

    /// Reads summaries, and the reasoning text of providers that include it.
    fn reasoning(&mut self, item: Json<'_>) {
        let [summary, content] = item.members(["summary", "content"]);
        self.texts_of_item.clear();
        if let Some(summary) = summary {
            summary.for_each_element(|part| self.thought(ReasoningSource::ReasoningSummary, part));
        }
        if let Some(content) = content {
            content.for_each_element(|part| {
                if part.member("type").is_some_and(|kind| kind.is_string("reasoning_text")) {
                    self.thought(ReasoningSource::Thinking, part);
                }
            });
        }
    }

    fn message(&mut self, item: Json<'_>) {
        let [role, phase, content] = item.members(["role", "phase", "content"]);
        let equals = |json: Option<Json<'_>>, text| json.is_some_and(|json| json.is_string(text));
        let is_commentary = equals(role, "assistant") && equals(phase, "commentary");
        let Some(content) = content else { return };
        self.texts_of_item.clear();
        content.for_each_element(|part| {
            if !equals(part.member("type"), "output_text") {
                return;
            }
            if is_commentary {
                self.thought(ReasoningSource::Commentary, part);
            } else {
                self.characters += part.member("text").map_or(0, Json::length);
            }
        });
    }

    /// Adds the text of `part`, unless it is empty, or the same item contains it with another source.
    fn thought(&mut self, source: ReasoningSource, part: Json<'_>) {
        let text = part.member("text").and_then(Json::string).unwrap_or_default();
        self.characters += text.chars().count() as u64;
        if text.is_empty() {
            return;
        }
        let first_source = self.texts_of_item.entry(self.hasher.hash_one(&*text)).or_insert(source);
        if *first_source != source {
            return;
        }
        if let Some(at) = self.reasoning.start(source) {
            self.reasoning.append(at, &text);
        }
    }
}

/// The content of a string; the JSON text of any other value.
fn text_or_json(json: Json<'_>) -> Cow<'_, str> {
    json.string().unwrap_or(Cow::Borrowed(json.text()))
}

#[cfg(test)]
mod tests;
