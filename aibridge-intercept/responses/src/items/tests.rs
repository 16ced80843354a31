//! Tests of the items of a response.

use super::*;
use aibridge_intercept::budget::MAX_EXTRACTED_BYTES;
use aibridge_intercept::observer::ToolCall;

fn read(item: &str) -> Items {
    let mut items = Items::default();
    items.read(Json::parse(item.as_bytes()).unwrap());
    items
}

#[test]
fn every_kind_of_call_is_a_tool_call() {
    let table = [
        (
            r#"{"type":"function_call","call_id":"c","id":"i","name":"add","arguments":"{\"a\": 3}"}"#,
            ("c", "add", r#"{"a": 3}"#),
        ),
        (r#"{"type":"function_call","call_id":"c","name":"add","arguments":"{oops"}"#, ("c", "add", "{oops")),
        (
            r#"{"type":"custom_tool_call","call_id":"c","name":"apply_patch","input":"*** Begin\n"}"#,
            ("c", "apply_patch", r#""*** Begin\n""#),
        ),
        (
            r#"{"type":"custom_tool_call","call_id":"c","name":"run","input":"{\"a\": 1}"}"#,
            ("c", "run", r#""{\"a\": 1}""#),
        ),
        (r#"{"type":"custom_tool_call","call_id":"c","name":"run","input":"5"}"#, ("c", "run", r#""5""#)),
        (
            r#"{"type":"function_call","call_id":"c","name":"add","arguments":{"a": 3.0}}"#,
            ("c", "add", r#"{"a": 3.0}"#),
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
        let expected =
            ToolCall { id: Some(id.into()), name: name.into(), input: input.into(), ..ToolCall::default() };
        assert_eq!(read(item).tools.finish(), [expected], "{item}");
    }
    assert!(read(r#"{"type":"function_call_output","call_id":"c"}"#).tools.finish().is_empty());
}

#[test]
fn summaries_and_commentary_are_reasoning() {
    let table: &[(&str, &[(ReasoningSource, &str)])] = &[
        (
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"text":""},{"text":"b"}]}"#,
            &[(ReasoningSource::ReasoningSummary, "a"), (ReasoningSource::ReasoningSummary, "b")],
        ),
        (
            r#"{"type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"c"},{"type":"refusal","text":"d"}]}"#,
            &[(ReasoningSource::Commentary, "c")],
        ),
        (
            r#"{"type":"message","role":"assistant","phase":"final_answer","content":[{"type":"output_text","text":"c"}]}"#,
            &[],
        ),
        (r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"c"}]}"#, &[]),
        (r#"{"type":"reasoning","summary":null}"#, &[]),
        (
            r#"{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"a"},{"type":"other","text":"b"}]}"#,
            &[(ReasoningSource::Thinking, "a")],
        ),
        (
            r#"{"type":"reasoning","summary":[{"text":"a"}],"content":[{"type":"reasoning_text","text":"a"},{"type":"reasoning_text","text":"b"}]}"#,
            &[(ReasoningSource::ReasoningSummary, "a"), (ReasoningSource::Thinking, "b")],
        ),
    ];
    for (item, expected) in table {
        let reasoning = read(item).reasoning.finish();
        let actual: Vec<_> =
            reasoning.iter().map(|thought| (thought.source, thought.text.as_str())).collect();
        assert_eq!(actual, *expected, "{item}");
    }
}

#[test]
fn truncates_what_exceeds_the_budget() {
    let long = "ä".repeat(3 << 20);
    let mut items = Items::default();
    let call = format!(r#"{{"type":"function_call","call_id":"c","name":"x","arguments":"{long}"}}"#);
    let summary = format!(r#"{{"type":"reasoning","summary":[{{"text":"{long}"}}]}}"#);
    for text in [&call, &summary, &call, &summary, &call, &summary] {
        items.read(Json::parse(text.as_bytes()).unwrap());
    }
    let (tools, reasoning) = (items.tools.finish(), items.reasoning.finish());
    let inputs: usize = tools.iter().map(|tool| tool.input.len()).sum();
    let texts: usize = reasoning.iter().map(|thought| thought.text.len()).sum();
    for length in [inputs, texts] {
        assert!((MAX_EXTRACTED_BYTES - 200..=MAX_EXTRACTED_BYTES).contains(&length), "{length}");
    }
    assert_eq!(tools.iter().map(|tool| tool.truncated).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(reasoning.iter().map(|thought| thought.truncated).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn keeps_a_text_with_two_sources_once() {
    let item = r#"{"type":"reasoning","summary":[{"text":"a"},{"text":"a"}],
        "content":[{"type":"reasoning_text","text":"a"},{"type":"reasoning_text","text":"b"}]}"#;
    let texts: Vec<_> = read(item).reasoning.finish().into_iter().map(|thought| thought.text).collect();
    assert_eq!(texts, ["a", "a", "b"]);
}
