//! Tool calls: whole in a blocking response, in pieces in a stream.

use aibridge_intercept::budget::Budget;
use aibridge_intercept::observer::ToolCall;
use aibridge_json::Json;
use std::collections::HashMap;

/// Assembles the tool calls of one response. The work for an entry does not depend on how many there are.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    calls: Vec<Partial>,
    choices: HashMap<i64, Slots>,
    budget: Budget,
}

#[derive(Debug, Default)]
struct Partial {
    call: ToolCall,
    /// The input of a custom tool is a text, whatever it looks like.
    custom: bool,
}

/// Positions of the calls of one choice.
#[derive(Debug, Default)]
struct Slots {
    by_id: HashMap<String, usize>,
    by_index: HashMap<i64, usize>,
    /// The call in `function_call`, the predecessor of `tool_calls`.
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
    /// `None` for what is no object: some servers fill the list up with `null`.
    fn of_tool_calls(entry: Json<'a>) -> Option<Self> {
        let [index, id, function, custom] = entry.members(["index", "id", "function", "custom"]);
        let object = |json: Option<Json<'a>>| json.filter(|json| json.is_object());
        let (function, custom) = (object(function), object(custom));
        Some(Self {
            index: index.and_then(Json::count),
            id: id.and_then(Json::non_empty_string),
            custom: function.is_none() && custom.is_some(),
            ..Self::function(function.or(custom).or(object(Some(entry)))?)
        })
    }

    fn function(function: Json<'a>) -> Self {
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
    /// Reads an entry of a delta, which begins a call or continues one.
    pub(crate) fn piece(&mut self, choice: i64, entry: Json<'_>) {
        let Some(entry) = Entry::of_tool_calls(entry) else { return };
        if let Some(at) = self.slot(choice, &entry) {
            self.fill(at, choice, entry);
        }
    }

    /// Reads an entry of a message, which is a call.
    pub(crate) fn whole(&mut self, choice: i64, entry: Json<'_>) {
        let Some(entry) = Entry::of_tool_calls(entry) else { return };
        if let Some(at) = self.begin(choice, &entry) {
            self.fill(at, choice, entry);
        }
    }

    /// Reads a `function_call`, of a message or a delta: one call of the choice, without an id.
    pub(crate) fn legacy(&mut self, choice: i64, function: Json<'_>) {
        let entry = Entry::function(function);
        if entry.name.is_none() && entry.input.is_none() {
            return;
        }
        let known = self.choices.get(&choice).and_then(|slots| slots.legacy);
        let Some(at) = known.or_else(|| self.push()) else { return };
        self.choices.entry(choice).or_default().legacy = Some(at);
        self.fill(at, choice, entry);
    }

    /// The call that an entry continues, or a new one. Some providers repeat ids, some number all calls 0, some do not
    /// number them.
    fn slot(&mut self, choice: i64, entry: &Entry<'_>) -> Option<usize> {
        let Some(slots) = self.choices.get(&choice) else { return self.begin(choice, entry) };
        if let Some(known) = entry.id.as_ref().and_then(|id| slots.by_id.get(id)) {
            return Some(*known);
        }
        let in_slot = match entry.index {
            Some(index) => slots.by_index.get(&index).copied(),
            None => slots.latest,
        };
        let Some(at) = in_slot else { return self.begin(choice, entry) };
        let begun = !self.calls.get(at)?.call.input.is_empty();
        let begins = entry.name.is_some() && (entry.id.is_some() || begun);
        if begins { self.begin(choice, entry) } else { Some(at) }
    }

    /// A new call in the slot of its index, or of the next one. `None` if it says nothing, or too much is gathered.
    fn begin(&mut self, choice: i64, entry: &Entry<'_>) -> Option<usize> {
        let has_input = entry.input.is_some_and(|input| input.text() != "\"\"");
        if entry.id.is_none() && entry.name.is_none() && !has_input {
            return None;
        }
        let at = self.push()?;
        let slots = self.choices.entry(choice).or_default();
        slots.by_index.insert(entry.index.unwrap_or(slots.count), at);
        slots.latest = Some(at);
        slots.count += 1;
        Some(at)
    }

    fn push(&mut self) -> Option<usize> {
        if !self.budget.take_row() {
            if let Some(last) = self.calls.last_mut() {
                last.call.truncated = true;
            }
            self.choices.clear(); // the pieces of this call must not continue another
            return None;
        }
        self.calls.push(Partial::default());
        Some(self.calls.len() - 1)
    }

    /// Adds what `entry` holds. Ids and names come once, arguments in pieces.
    fn fill(&mut self, at: usize, choice: i64, entry: Entry<'_>) {
        let Self { calls, choices, budget } = self;
        let Some(Partial { call, custom }) = calls.get_mut(at) else { return };
        let slots = choices.entry(choice).or_default();
        *custom |= entry.custom;
        let mut fits = true;
        if let Some(id) = entry.id
            && call.id.is_none()
        {
            let kept = budget.copy(&id);
            fits &= !kept.truncated;
            call.id = Some(kept.text).filter(|id| !id.is_empty());
            slots.by_id.insert(id, at);
        }
        if let Some(name) = entry.name
            && call.name.is_empty()
        {
            fits &= budget.append(&mut call.name, &name);
        }
        if let Some(input) = entry.input {
            let piece = input.string();
            fits &= budget.append(&mut call.input, piece.as_deref().unwrap_or(input.text()));
        }
        call.truncated |= !fits;
    }

    /// The calls, in the order in which they began.
    pub(crate) fn finish(&mut self) -> Vec<ToolCall> {
        std::mem::take(self).calls.into_iter().map(Partial::finish).collect()
    }
}

impl Partial {
    fn finish(self) -> ToolCall {
        let Self { mut call, custom } = self;
        if custom {
            call.input = serde_json::Value::from(call.input).to_string();
        }
        call
    }
}

#[cfg(test)]
mod tests;
