//! Provider responses that look like real ones, prepared as bytes.

mod messages;

pub use messages::message_event;

use crate::Dialect;
use serde_json::{Value, json};

/// The responses of a provider in one dialect, ready to be written.
#[derive(Debug)]
pub struct Responses {
    blocking: Vec<u8>,
    head: Vec<u8>,
    first: Vec<u8>,
    event: Vec<u8>,
    last: Vec<u8>,
}

/// The headers of a provider of the chat and the Responses API.
const HEADERS: &str = "openai-processing-ms: 412\r\nopenai-version: 2020-10-01\r\nx-request-id: req_0123456789abcdef\r\n\
    x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\nx-ratelimit-limit-tokens: 2000000\r\n\
    x-ratelimit-remaining-tokens: 1999000\r\ncf-ray: 8f0a1b2c3d4e5f60-FRA\r\nserver: cloudflare\r\n";

const REPLY: &str = "The parser stops at the first blank line because `lines.next()` is taken for the end.\n\
    I replaced the early return by `continue` and added a test \"empty_line\".\n";

impl Responses {
    /// Prepares the responses of `dialect`.
    pub fn new(dialect: Dialect) -> Self {
        let body = blocking(dialect).to_string();
        let headers = if dialect == Dialect::Messages { messages::HEADERS } else { HEADERS };
        let head = |rest: &str| format!("HTTP/1.1 200 OK\r\n{headers}{rest}\r\n\r\n").into_bytes();
        let mut complete = head(&format!("content-type: application/json\r\ncontent-length: {}", body.len()));
        complete.extend_from_slice(body.as_bytes());
        let (first, event, last) = match dialect {
            Dialect::Chat => (chat_event(0), chat_event(1), chat_end()),
            Dialect::Responses => (response_created(), response_event(1), response_end()),
            Dialect::Messages => (messages::start(), message_event(), messages::end()),
        };
        Self {
            blocking: complete,
            head: head("content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked"),
            first: chunk(&first),
            event: chunk(&event),
            last: [chunk(&last), b"0\r\n\r\n".to_vec()].concat(),
        }
    }

    /// A blocking response, with its head.
    pub fn blocking(&self) -> &[u8] {
        &self.blocking
    }

    /// The head of a streamed response.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Event `at` of `events`, from 0, as a chunk. The last one includes the end of the stream.
    pub fn event(&self, at: usize, events: usize) -> &[u8] {
        match at {
            _ if at + 1 == events => &self.last,
            0 => &self.first,
            _ => &self.event,
        }
    }
}

fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

fn usage(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Chat => json!({"prompt_tokens": 1152, "completion_tokens": 96, "total_tokens": 1248,
            "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}),
        Dialect::Responses => json!({"input_tokens": 1152, "input_tokens_details": {"cached_tokens": 1024},
            "output_tokens": 96, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 1248}),
        Dialect::Messages => messages::usage(96),
    }
}

fn blocking(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Chat => json!({
            "id": "chatcmpl-CfQ2aZk81tQvYw2nXb6LrJd0eMfCs", "object": "chat.completion", "created": 1763990000,
            "model": "gpt-5-codex-2025-09-15", "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": REPLY.repeat(3), "refusal": null,
                "annotations": []}, "logprobs": null, "finish_reason": "stop"}],
            "usage": usage(dialect),
        }),
        Dialect::Responses => response("completed"),
        Dialect::Messages => messages::blocking(),
    }
}

fn response(status: &str) -> Value {
    let done = status == "completed";
    let output = json!([
        {"id": "rs_01", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Locating the test"}]},
        {"id": "msg_01", "type": "message", "status": status, "role": "assistant",
            "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": REPLY.repeat(3)}]},
    ]);
    json!({
        "id": "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9", "object": "response", "created_at": 1763990000, "status": status,
        "background": false, "error": null, "incomplete_details": null, "instructions": "You are a coding agent.",
        "max_output_tokens": null, "model": "gpt-5-codex-2025-09-15", "parallel_tool_calls": false,
        "output": if done { output } else { json!([]) }, "previous_response_id": null,
        "reasoning": {"effort": "medium", "summary": "detailed"}, "store": false, "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "truncation": "disabled", "user": null, "metadata": {},
        "usage": if done { usage(Dialect::Responses) } else { Value::Null },
    })
}

fn chat_chunk(delta: &Value, finish: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-CfQ2aZk81tQvYw2nXb6LrJd0eMfCs", "object": "chat.completion.chunk", "created": 1763990000,
        "model": "gpt-5-codex-2025-09-15", "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        "usage": null, "obfuscation": "k3Jx9QvLw2",
    });
    format!("data: {chunk}\n\n")
}

/// Chunk `at` of a chat stream, from 0, as a server-sent event.
pub fn chat_event(at: usize) -> String {
    match at {
        0 => chat_chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None),
        _ => chat_chunk(&json!({"content": " parser"}), None),
    }
}

fn chat_end() -> String {
    let usage = json!({
        "id": "chatcmpl-CfQ2aZk81tQvYw2nXb6LrJd0eMfCs", "object": "chat.completion.chunk", "created": 1763990000,
        "model": "gpt-5-codex-2025-09-15", "choices": [], "usage": usage(Dialect::Chat),
    });
    format!("{}data: {usage}\n\ndata: [DONE]\n\n", chat_chunk(&json!({}), Some("stop")))
}

fn response_created() -> String {
    let data = json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress")});
    format!("event: response.created\ndata: {data}\n\n")
}

/// A text delta with sequence number `at` in a stream of the Responses API, as a server-sent event.
pub fn response_event(at: usize) -> String {
    let data = json!({"type": "response.output_text.delta", "sequence_number": at, "item_id": "msg_01",
        "output_index": 1, "content_index": 0, "delta": " parser", "logprobs": [], "obfuscation": "k3Jx9QvLw2"});
    format!("event: response.output_text.delta\ndata: {data}\n\n")
}

fn response_end() -> String {
    let data = json!({"type": "response.completed", "sequence_number": 9, "response": response("completed")});
    format!("event: response.completed\ndata: {data}\n\n")
}
