//! Tool calls: whole in a blocking answer, in pieces in a stream.

use aibridge_intercept::json::Json;
use aibridge_intercept::observer::ToolCall;

/// Puts tool calls together.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    calls: Vec<Partial>,
}

#[derive(Debug)]
struct Partial {
    choice: i64,
    index: i64,
    call: ToolCall,
}

impl ToolCalls {
    /// Reads one entry of `tool_calls`, of a message or a delta. Ids and names come once, arguments in pieces.
    pub(crate) fn read(&mut self, choice: i64, entry: Json<'_>) {
        let [index, id, function, custom] = entry.members(["index", "id", "function", "custom"]);
        let id = id.and_then(Json::non_empty_string);
        let [name, arguments, input] = function
            .or(custom)
            .map(|function| function.members(["name", "arguments", "input"]))
            .unwrap_or_default();
        let call = &mut self.slot(choice, index.and_then(Json::integer), id.as_deref()).call;
        if let Some(id) = id {
            call.id = Some(id);
        }
        if let Some(name) = name.and_then(Json::non_empty_string)
            && call.name.is_empty()
        {
            call.name = name;
        }
        if let Some(arguments) = arguments.or(input).filter(|json| !json.is_null()) {
            match arguments.string() {
                Some(piece) => call.input.push_str(&piece),
                None => call.input.push_str(arguments.text()),
            }
        }
    }

    /// The call that an entry continues, or a new one. A known index with another id is a new call (some providers
    /// number all their calls 0), and so is an id without an index.
    fn slot(&mut self, choice: i64, index: Option<i64>, id: Option<&str>) -> &mut Partial {
        let known = self.calls.iter().rposition(|partial| {
            partial.choice == choice && index.is_none_or(|index| index == partial.index)
        });
        let continued = known.filter(|&position| match (&self.calls[position].call.id, id) {
            (Some(known), Some(id)) => known == id,
            (None, Some(_)) => index.is_some(),
            (_, None) => true,
        });
        let position = continued.unwrap_or_else(|| {
            let index = index.unwrap_or(self.calls.len() as i64);
            self.calls.push(Partial { choice, index, call: ToolCall::default() });
            self.calls.len() - 1
        });
        &mut self.calls[position]
    }

    /// The calls, in the order in which they began.
    pub(crate) fn finish(&mut self) -> Vec<ToolCall> {
        std::mem::take(&mut self.calls).into_iter().map(|partial| partial.call).collect()
    }
}
