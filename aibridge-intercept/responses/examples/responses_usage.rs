//! Prints the tool calls and the usage of a blocking response of the responses API.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_responses::blocking::summarize;

const RESPONSE: &str = r#"{
    "id": "resp_1",
    "status": "completed",
    "output": [{"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{\"path\":\"a\"}"}],
    "usage": {"input_tokens": 30, "output_tokens": 12, "total_tokens": 42}
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
