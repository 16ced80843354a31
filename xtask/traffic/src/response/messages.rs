//! The responses of a provider of the Messages API.

use super::REPLY;
use serde_json::{Value, json};

/// The headers of a provider of the Messages API.
pub(super) const HEADERS: &str = "request-id: req_011CVQ0123456789abcdef\r\nanthropic-organization-id: 0a1b2c3d\r\n\
    anthropic-ratelimit-requests-limit: 4000\r\nanthropic-ratelimit-requests-remaining: 3999\r\n\
    anthropic-ratelimit-tokens-limit: 2000000\r\nanthropic-ratelimit-tokens-remaining: 1999000\r\n\
    x-envoy-upstream-service-time: 412\r\ncf-ray: 8f0a1b2c3d4e5f60-FRA\r\nserver: cloudflare\r\n";

/// The usage of a response with this number of output tokens.
pub(super) fn usage(output: u32) -> Value {
    json!({
        "input_tokens": 128, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 1024,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard",
    })
}

/// A whole message.
pub(super) fn blocking() -> Value {
    message(&json!([{"type": "text", "text": REPLY.repeat(3)}]), &"end_turn".into(), 96)
}

fn message(content: &Value, stop_reason: &Value, output: u32) -> Value {
    json!({
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5-20250929", "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        "usage": usage(output),
    })
}

/// The first events of a stream, up to the start of its text.
pub(super) fn start() -> String {
    let start = json!({"type": "message_start", "message": message(&json!([]), &Value::Null, 1)});
    let block =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    event(&start) + &event(&block)
}

/// A text delta in a stream of the Messages API, as a server-sent event.
pub fn message_event() -> String {
    event(
        &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " parser"}}),
    )
}

/// The events from the end of the text to the end of the stream.
pub(super) fn end() -> String {
    let delta = json!({
        "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": usage(96),
    });
    let stop = json!({"type": "content_block_stop", "index": 0});
    [&stop, &delta, &json!({"type": "message_stop"})].map(event).concat()
}

/// Data as a server-sent event, named by its type.
fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}
