//! What the items of a response's `output` tell.

use aibridge_intercept::Learnt;
use aibridge_intercept::json::Json;
use aibridge_intercept::observer::ToolCall;
use aibridge_recorder::ThoughtSource;

/// The calls by which agents act, beside functions and custom tools. The tool's name is the type without `_call`.
const CALLS: [&str; 9] = [
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

/// Adds what one item tells to `learnt`.
pub(crate) fn learn(item: Json<'_>, learnt: &mut Learnt) {
    let [kind] = item.members(["type"]);
    match kind.and_then(Json::string).as_deref() {
        Some("function_call") => learnt.tools.push(named_call(item, "arguments")),
        Some("custom_tool_call") => learnt.tools.push(named_call(item, "input")),
        Some("reasoning") => reasoning(item, learnt),
        Some("message") => commentary(item, learnt),
        Some(kind) if CALLS.contains(&kind) => learnt.tools.push(built_in_call(item, kind)),
        _ => {}
    }
}

fn named_call(item: Json<'_>, input: &str) -> ToolCall {
    let [call_id, name, input] = item.members(["call_id", "name", input]);
    ToolCall {
        id: call_id.and_then(Json::non_empty_string),
        name: name.and_then(Json::non_empty_string).unwrap_or_default(),
        input: input.map(text_or_json).unwrap_or_default(),
    }
}

fn built_in_call(item: Json<'_>, kind: &str) -> ToolCall {
    let [call_id, id, action, operation] = item.members(["call_id", "id", "action", "operation"]);
    let given = |json: Option<Json<'_>>| json.is_some_and(|json| !json.is_null());
    let input = if given(action) {
        action
    } else if given(operation) {
        operation
    } else {
        Some(item)
    };
    ToolCall {
        id: call_id.and_then(Json::non_empty_string).or_else(|| id.and_then(Json::non_empty_string)),
        name: kind.strip_suffix("_call").unwrap_or(kind).to_owned(),
        input: input.map(text_or_json).unwrap_or_default(),
    }
}

/// A string's content, anything else as it is spelt.
fn text_or_json(json: Json<'_>) -> String {
    json.string().map_or_else(|| json.text().to_owned(), Into::into)
}

fn reasoning(item: Json<'_>, learnt: &mut Learnt) {
    for part in item.member("summary").map(Json::elements).unwrap_or_default() {
        let text = part.member("text").and_then(Json::non_empty_string);
        learnt.thoughts.extend(text.map(|text| (ThoughtSource::ReasoningSummary, text)));
    }
}

fn commentary(item: Json<'_>, learnt: &mut Learnt) {
    let [role, phase, content] = item.members(["role", "phase", "content"]);
    let is = |json: Option<Json<'_>>, text| json.and_then(Json::string).as_deref() == Some(text);
    if !is(role, "assistant") || !is(phase, "commentary") {
        return;
    }
    for part in content.map(Json::elements).unwrap_or_default() {
        let [kind, text] = part.members(["type", "text"]);
        if is(kind, "output_text") {
            let text = text.and_then(Json::non_empty_string);
            learnt.thoughts.extend(text.map(|text| (ThoughtSource::Commentary, text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(item: &str) -> Learnt {
        let mut found = Learnt::default();
        learn(Json::parse(item.as_bytes()).unwrap(), &mut found);
        found
    }

    #[test]
    fn every_kind_of_call_is_a_tool() {
        let table = [
            (
                r#"{"type":"function_call","call_id":"c","id":"i","name":"add","arguments":"{\"a\": 3}"}"#,
                ("c", "add", r#"{"a": 3}"#),
            ),
            (
                r#"{"type":"function_call","call_id":"c","name":"add","arguments":"{oops"}"#,
                ("c", "add", "{oops"),
            ),
            (
                r#"{"type":"custom_tool_call","call_id":"c","name":"apply_patch","input":"*** Begin\n"}"#,
                ("c", "apply_patch", "*** Begin\n"),
            ),
            (
                r#"{"type":"local_shell_call","call_id":"c","action":{"command":["ls"],"x":1.0}}"#,
                ("c", "local_shell", r#"{"command":["ls"],"x":1.0}"#),
            ),
            (
                r#"{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}}"#,
                ("c", "shell", r#"{"commands":["ls"]}"#),
            ),
            (
                r#"{"type":"apply_patch_call","call_id":"c","operation":{"type":"create_file"}}"#,
                ("c", "apply_patch", r#"{"type":"create_file"}"#),
            ),
            (
                r#"{"type":"web_search_call","id":"ws","action":{"query":"q"}}"#,
                ("ws", "web_search", r#"{"query":"q"}"#),
            ),
            (
                r#"{"type":"file_search_call","id":"fs","queries":["q"]}"#,
                ("fs", "file_search", r#"{"type":"file_search_call","id":"fs","queries":["q"]}"#),
            ),
            (
                r#"{"type":"mcp_call","id":"m","name":"roll"}"#,
                ("m", "mcp", r#"{"type":"mcp_call","id":"m","name":"roll"}"#),
            ),
            (
                r#"{"type":"computer_call","call_id":"c","id":"i","action":{"type":"click"}}"#,
                ("c", "computer", r#"{"type":"click"}"#),
            ),
            (
                r#"{"type":"image_generation_call","id":"g"}"#,
                ("g", "image_generation", r#"{"type":"image_generation_call","id":"g"}"#),
            ),
            (
                r#"{"type":"code_interpreter_call","id":"k","code":"1"}"#,
                ("k", "code_interpreter", r#"{"type":"code_interpreter_call","id":"k","code":"1"}"#),
            ),
        ];
        for (item, (id, name, input)) in table {
            let expected = ToolCall { id: Some(id.into()), name: name.into(), input: input.into() };
            assert_eq!(learnt(item).tools, [expected], "{item}");
        }
        assert!(learnt(r#"{"type":"function_call_output","call_id":"c"}"#).tools.is_empty());
    }

    #[test]
    fn summaries_and_commentary_are_thoughts() {
        let table: &[(&str, &[(ThoughtSource, &str)])] = &[
            (
                r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"text":""},{"text":"b"}]}"#,
                &[(ThoughtSource::ReasoningSummary, "a"), (ThoughtSource::ReasoningSummary, "b")],
            ),
            (
                r#"{"type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"c"},{"type":"refusal","text":"d"}]}"#,
                &[(ThoughtSource::Commentary, "c")],
            ),
            (
                r#"{"type":"message","role":"assistant","phase":"final_answer","content":[{"type":"output_text","text":"c"}]}"#,
                &[],
            ),
            (r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"c"}]}"#, &[]),
            (r#"{"type":"reasoning","summary":null}"#, &[]),
        ];
        for (item, expected) in table {
            let found = learnt(item).thoughts;
            let found: Vec<_> = found.iter().map(|(source, text)| (*source, text.as_str())).collect();
            assert_eq!(found, *expected, "{item}");
        }
    }
}
