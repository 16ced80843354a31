//! Assembles tool calls. A blocking response contains whole calls, a stream contains pieces of them.

use aibridge_intercept::assembly;
use aibridge_intercept::observer::ToolCall;
use aibridge_json::Json;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Assembles the tool calls of one response. The work for an entry does not depend on the number of entries.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    calls: assembly::ToolCalls,
    choices: HashMap<i64, CallIndex>,
    hasher: RandomState,
}

/// The positions of the calls of one choice in [`ToolCalls::calls`].
#[derive(Debug, Default)]
struct CallIndex {
    /// By the hash of the id: ids have no maximum length.
    by_id: HashMap<u64, usize>,
    by_index: HashMap<i64, usize>,
    /// The call in `function_call`, the deprecated predecessor of `tool_calls`.
    legacy: Option<usize>,
    latest: Option<usize>,
    count: i64,
}

/// An entry of `tool_calls`, or a `function_call`.
struct Entry<'a> {
    index: Option<i64>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Json<'a>>,
    custom: bool,
}

impl<'a> Entry<'a> {
    /// Reads an entry of `tool_calls`; `None` if it is not an object. Some servers pad the list with `null`.
    fn from_tool_call(entry: Json<'a>) -> Option<Self> {
        let [index, id, function, custom] = entry.members(["index", "id", "function", "custom"]);
        let object = |json: Option<Json<'a>>| json.filter(|json| json.is_object());
        let (function, custom) = (object(function), object(custom));
        Some(Self {
            index: index.and_then(Json::count),
            id: id.and_then(Json::non_empty_string),
            custom: function.is_none() && custom.is_some(),
            ..Self::from_function(function.or(custom).or(object(Some(entry)))?)
        })
    }

    fn from_function(function: Json<'a>) -> Self {
        let [name, arguments, input] = function.members(["name", "arguments", "input"]);
        Self {
            index: None,
            id: None,
            name: name.and_then(Json::non_empty_string),
            input: arguments.or(input).filter(|input| !input.is_null()),
            custom: false,
        }
    }
}

impl ToolCalls {
    /// Reads an entry of a delta. It starts a call or continues one.
    pub(crate) fn add_piece(&mut self, choice: i64, entry: Json<'_>) {
        let Some(entry) = Entry::from_tool_call(entry) else { return };
        if let Some(at) = self.find_or_start(choice, &entry) {
            self.fill(at, choice, entry);
        }
    }

    /// Reads an entry of a message. It is a whole call.
    pub(crate) fn add_whole(&mut self, choice: i64, entry: Json<'_>) {
        let Some(entry) = Entry::from_tool_call(entry) else { return };
        if let Some(at) = self.start(choice, &entry) {
            self.fill(at, choice, entry);
        }
    }

    /// Reads a `function_call` of a message or a delta. Each choice has at most one, without an id.
    pub(crate) fn add_legacy(&mut self, choice: i64, function: Json<'_>) {
        let entry = Entry::from_function(function);
        if entry.name.is_none() && entry.input.is_none() {
            return;
        }
        let existing = self.choices.get(&choice).and_then(|index| index.legacy);
        let Some(at) = existing.or_else(|| self.push()) else { return };
        self.choices.entry(choice).or_default().legacy = Some(at);
        self.fill(at, choice, entry);
    }

    /// Finds the call that an entry continues, or starts a new one. Some providers repeat ids, some give all calls the
    /// index 0, some give them no index.
    fn find_or_start(&mut self, choice: i64, entry: &Entry<'_>) -> Option<usize> {
        let Some(calls) = self.choices.get(&choice) else { return self.start(choice, entry) };
        if let Some(at) = entry.id.as_ref().and_then(|id| calls.by_id.get(&self.hasher.hash_one(id))) {
            return Some(*at);
        }
        let candidate = match entry.index {
            Some(index) => calls.by_index.get(&index).copied(),
            None => calls.latest,
        };
        let Some(at) = candidate else { return self.start(choice, entry) };
        let call = self.calls.get(at)?;
        let has_input = !call.input.is_empty() || call.truncated;
        let is_new = entry.name.is_some() && (entry.id.is_some() || has_input);
        if is_new { self.start(choice, entry) } else { Some(at) }
    }

    /// Starts a call with the index of the entry, or else the next one. `None` if the entry is empty, or there are too many
    /// calls.
    fn start(&mut self, choice: i64, entry: &Entry<'_>) -> Option<usize> {
        let has_input = entry.input.is_some_and(|input| input.text() != "\"\"");
        if entry.id.is_none() && entry.name.is_none() && !has_input {
            return None;
        }
        let at = self.push()?;
        let calls = self.choices.entry(choice).or_default();
        calls.by_index.insert(entry.index.unwrap_or(calls.count), at);
        calls.latest = Some(at);
        calls.count += 1;
        Some(at)
    }

    fn push(&mut self) -> Option<usize> {
        let at = self.calls.start();
        if at.is_none() {
            self.choices.clear(); // the pieces of this call must not continue another
        }
        at
    }

    /// Adds the contents of `entry` to a call. The first id and name count; arguments are joined.
    fn fill(&mut self, at: usize, choice: i64, entry: Entry<'_>) {
        if entry.custom {
            self.calls.treat_input_as_text(at);
        }
        let index = self.choices.entry(choice).or_default();
        if let Some(id) = entry.id
            && self.calls.get(at).is_some_and(|call| call.id.is_none())
        {
            self.calls.set_id(at, &id);
            index.by_id.insert(self.hasher.hash_one(&id), at);
        }
        if let Some(name) = entry.name {
            self.calls.set_name(at, &name);
        }
        if let Some(input) = entry.input {
            let piece = input.string();
            self.calls.append_input(at, piece.as_deref().unwrap_or(input.text()));
        }
    }

    /// Whether the response has more calls than are kept.
    pub(crate) fn omits_calls(&self) -> bool {
        self.calls.omits_calls()
    }

    /// Returns the calls, in the order in which they started.
    pub(crate) fn finish(&mut self) -> Vec<ToolCall> {
        std::mem::take(self).calls.finish()
    }
}

#[cfg(test)]
mod tests;
