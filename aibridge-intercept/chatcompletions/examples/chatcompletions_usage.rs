//! Prints the tool calls and the usage of a blocking chat completions response.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_chatcompletions::blocking::summarize;

const RESPONSE: &str = r#"{
    "id": "chatcmpl-1",
    "choices": [{"message": {"tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"a\"}"}}
    ]}, "finish_reason": "tool_calls"}],
    "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}
}"#;

fn main() {
    let summary = summarize(RESPONSE.as_bytes());
    for call in &summary.tools {
        println!("{} {}", call.name, call.input);
    }
    if let Some(usage) = summary.usage {
        println!("{} input tokens, {} output tokens", usage.input, usage.output);
    }
}
