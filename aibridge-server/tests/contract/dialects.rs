//! The dialects, each with a request and a response in its own format. No tests.

use aibridge_testkit::{Gate, RawClient, ReceivedRequest, Script, request};
use serde_json::Value;
use std::net::SocketAddr;

pub(crate) const KEY: &str = "sk-0123456789abcdefghij";

/// A dialect. All responses have 9 input and 2 output tokens, and call the tool `look`.
#[derive(Debug)]
pub(crate) struct Dialect {
    pub(crate) target: &'static str,
    /// The body of a stream request that the gateway does not edit.
    pub(crate) stream: &'static str,
    /// The body of a blocking request.
    pub(crate) blocking: &'static str,
    /// The events of a stream. The second has the tool call, and the last one completes the response.
    pub(crate) events: [&'static str; 3],
    /// The body of a blocking response.
    pub(crate) whole: &'static str,
}

pub(crate) const CHAT: Dialect = Dialect {
    target: "/openai/v1/chat/completions",
    stream: r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}"#,
    blocking: r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#,
    events: [
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    ],
    whole: r#"{"id":"c1","choices":[{"index":0,"message":{"tool_calls":[{"id":"t1","function":{"name":"look","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#,
};

pub(crate) const RESPONSES: Dialect = Dialect {
    target: "/openai/v1/responses",
    stream: r#"{"model":"m","stream":true,"input":"hello"}"#,
    blocking: r#"{"model":"m","input":"hello"}"#,
    events: [
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r1\",\"status\":\"in_progress\"}}\n\n",
        "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"call_id\":\"t1\",\"name\":\"look\",\"arguments\":\"{}\"}}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\n\n",
    ],
    whole: r#"{"id":"r1","status":"completed","output":[{"type":"function_call","call_id":"t1","name":"look","arguments":"{}"}],"usage":{"input_tokens":9,"output_tokens":2}}"#,
};

pub(crate) const MESSAGES: Dialect = Dialect {
    target: "/anthropic/v1/messages",
    stream: r#"{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#,
    blocking: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#,
    events: [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"look\",\"input\":{}}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ],
    whole: r#"{"id":"m1","type":"message","content":[{"type":"tool_use","id":"t1","name":"look","input":{}}],"usage":{"input_tokens":9,"output_tokens":2}}"#,
};

pub(crate) const DIALECTS: [&Dialect; 3] = [&CHAT, &RESPONSES, &MESSAGES];

/// The dialects of the OpenAI API.
pub(crate) const OPENAI_DIALECTS: [&Dialect; 2] = [&CHAT, &RESPONSES];

/// Each dialect of the OpenAI API, with a blocking and a stream request.
pub(crate) const REQUESTS: [(&Dialect, bool); 4] =
    [(&CHAT, false), (&CHAT, true), (&RESPONSES, false), (&RESPONSES, true)];

impl Dialect {
    /// The body of the stream or blocking request.
    pub(crate) fn request(&self, streaming: bool) -> &'static str {
        if streaming { self.stream } else { self.blocking }
    }

    /// The script of the good response.
    pub(crate) fn script(&self, streaming: bool) -> Script {
        if streaming { Script::sse(self.response(true)) } else { Script::json(200, self.whole) }
    }

    /// A streamed response that waits at `gate` after its first event.
    pub(crate) fn held_stream(&self, gate: &Gate) -> Script {
        let [first, second, last] = self.events;
        Script::held_stream(first, gate, [second, last].concat())
    }

    /// The script of the good response to `request`.
    pub(crate) fn respond_to(request: &ReceivedRequest) -> Script {
        Self::of(request).script(request.json()["stream"] == true)
    }

    /// The dialect of `request`.
    pub(crate) fn of(request: &ReceivedRequest) -> &'static Self {
        match request.path() {
            "/v1/responses" => &RESPONSES,
            "/v1/messages" => &MESSAGES,
            _ => &CHAT,
        }
    }

    /// The body of the good response.
    pub(crate) fn response(&self, streaming: bool) -> String {
        if streaming { self.events.concat() } else { self.whole.to_owned() }
    }

    /// Sends the request on a new connection.
    pub(crate) async fn send(&self, gateway: SocketAddr, streaming: bool) -> RawClient {
        let mut client = RawClient::connect(gateway).await;
        let headers = [("Content-Type", "application/json")];
        client.send(&request("POST", self.target, &headers, self.request(streaming).as_bytes())).await;
        client
    }

    /// Checks that `event` is an error of this dialect with this `code`. Those of the Anthropic API have none.
    pub(crate) fn assert_error(&self, event: &str, code: &str) {
        let error = self.error_in(event);
        match self.target == MESSAGES.target {
            true => assert_eq!(error["type"], "api_error", "{event}"),
            false => assert_eq!(error["code"], code, "{event}"),
        }
    }

    /// The object with `message` and `code` in `event`, which must have the form of a stream error of this dialect.
    pub(crate) fn error_in(&self, event: &str) -> Value {
        let data = match self.target {
            target if target == CHAT.target => event.strip_prefix("data: "),
            _ => event.strip_prefix("event: error\ndata: "),
        };
        let data = data.and_then(|data| data.strip_suffix("\n\n")).unwrap_or_else(|| panic!("{event:?}"));
        let mut data: Value = serde_json::from_str(data).unwrap();
        if self.target != CHAT.target {
            assert_eq!(data["type"], "error", "{event}");
        }
        if self.target != RESPONSES.target {
            data = data["error"].take();
        }
        assert!(!data["message"].as_str().unwrap().is_empty(), "{event}");
        data
    }
}
