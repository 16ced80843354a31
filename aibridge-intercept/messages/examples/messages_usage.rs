//! Prints the tool calls and the usage of a blocking Messages response.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_messages::blocking::summarize;

const RESPONSE: &str = r#"{
    "id": "msg_1", "type": "message", "model": "claude-sonnet-4-5",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 30, "cache_read_input_tokens": 1000, "output_tokens": 12}
}"#;

fn main() {
    let summary = summarize(RESPONSE.as_bytes());
    for call in &summary.tools {
        println!("{} {}", call.name, call.input);
    }
    if let Some(usage) = summary.usage {
        println!(
            "{} input tokens, {} from the cache, {} output tokens",
            usage.input, usage.cache_read, usage.output
        );
    }
}
