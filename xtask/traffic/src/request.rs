//! Client requests that look like real ones, of any size.

use serde_json::{Value, json};

/// The API of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// The Chat Completions API.
    Chat,
    /// The Responses API.
    Responses,
    /// The Messages API.
    Messages,
}

/// The size and the contents of a request.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The API of the request.
    pub dialect: Dialect,
    /// The size of the body in bytes, within 5 %.
    pub bytes: usize,
    /// The number of messages.
    pub messages: usize,
    /// The number of tools that the model may call.
    pub tools: usize,
    /// Whether it requests a stream.
    pub stream: bool,
}

/// The text of all messages: prose, code, quotes and line ends.
const TEXT: &str = "The test `empty_line` fails because the parser stops at the first blank line.\n    \
    let Some(line) = lines.next() else { return Err(\"unexpected end\") };\n    \
    if line.trim().is_empty() { continue; } // é ü – skipped\n\tassert_eq!(parse(\"a\\n\\nb\"), [\"a\", \"b\"]);\n";

impl Dialect {
    /// The route below the prefix.
    pub fn route(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Responses => "/responses",
            Self::Messages => "/v1/messages",
        }
    }

    /// The path before the route, at the gateway or at the provider. The route of the Messages API has the version.
    pub fn prefix(self, at_gateway: bool) -> &'static str {
        match (self, at_gateway) {
            (Self::Messages, true) => "/anthropic",
            (Self::Messages, false) => "",
            (_, true) => "/openai/v1",
            (_, false) => "/v1",
        }
    }
}

impl Shape {
    /// A blocking request of `bytes`, with the usual number of messages and tools for that size.
    pub fn of(dialect: Dialect, bytes: usize) -> Self {
        Self { dialect, bytes, messages: (bytes / 2500).max(2), tools: (bytes / 8000).min(24), stream: false }
    }

    /// Builds the JSON body.
    pub fn body(&self) -> Vec<u8> {
        let bare = self.with_content("").len();
        let escaped = Value::from(TEXT).to_string().len() - 2;
        let each = self.bytes.saturating_sub(bare) / self.messages.max(1);
        let raw = each * TEXT.len() / escaped;
        let content: String = TEXT.chars().cycle().take(raw * TEXT.chars().count() / TEXT.len()).collect();
        self.with_content(&content).into_bytes()
    }

    fn with_content(&self, content: &str) -> String {
        let mut messages: Vec<Value> = (0..self.messages).map(|at| self.message(at, content)).collect();
        let tools: Vec<Value> = (0..self.tools).map(|at| self.tool(at)).collect();
        let mut body = match self.dialect {
            Dialect::Chat => json!({"model": "gpt-5-codex", "messages": messages, "temperature": 0.2}),
            Dialect::Responses => json!({
                "model": "gpt-5-codex", "instructions": "You are a coding agent.", "input": messages,
                "store": false, "reasoning": {"effort": "medium", "summary": "auto"},
                "include": ["reasoning.encrypted_content"], "prompt_cache_key": "019a7c1e-5b0a-7d43-9c55-2f1d8e6b7a10",
            }),
            // The system message is beside the others.
            Dialect::Messages => json!({
                "model": "claude-sonnet-4-5", "max_tokens": 8192, "system": [messages.remove(0)], "messages": messages,
            }),
        };
        if self.tools > 0 {
            body["tools"] = tools.into();
            if self.dialect == Dialect::Messages {
                body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": true});
            } else {
                body["tool_choice"] = "auto".into();
                body["parallel_tool_calls"] = false.into();
            }
        }
        body["stream"] = self.stream.into();
        body.to_string()
    }

    /// Message `at`: first a system message, then turns of a model that calls tools. The last message is of the user.
    fn message(&self, at: usize, content: &str) -> Value {
        let call = format!("call_{at:024}");
        let turn = if at == 0 { 0 } else { (self.messages - at) % 3 + 1 };
        match (self.dialect, turn) {
            (Dialect::Chat, 0) => json!({"role": "system", "content": content}),
            (Dialect::Chat, 1) => json!({"role": "tool", "tool_call_id": call, "content": content}),
            (Dialect::Chat, 2) => json!({"role": "user", "content": content}),
            (Dialect::Chat, _) => json!({"role": "assistant", "content": null, "tool_calls": [{
                "id": call, "type": "function",
                "function": {"name": "edit_file", "arguments": json!({"path": "src/lib.rs", "new": content}).to_string()},
            }]}),
            (Dialect::Responses, 1) => {
                json!({"type": "function_call_output", "call_id": call, "output": content})
            }
            (Dialect::Responses, 3) => json!({
                "type": "function_call", "call_id": call, "name": "shell",
                "arguments": json!({"command": ["bash", "-lc", content]}).to_string(),
            }),
            (Dialect::Responses, turn) => json!({
                "type": "message", "role": if turn == 0 { "developer" } else { "user" },
                "content": [{"type": "input_text", "text": content}],
            }),
            (Dialect::Messages, 0) => {
                json!({"type": "text", "text": content, "cache_control": {"type": "ephemeral"}})
            }
            (Dialect::Messages, 1) => json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call, "content": content},
            ]}),
            (Dialect::Messages, 2) => json!({"role": "user", "content": [{"type": "text", "text": content}]}),
            (Dialect::Messages, _) => json!({"role": "assistant", "content": [{
                "type": "tool_use", "id": call, "name": "edit_file", "input": {"path": "src/lib.rs", "new": content},
            }]}),
        }
    }

    fn tool(&self, at: usize) -> Value {
        let (name, description) = (format!("tool_{at}"), &TEXT[..160]);
        let property = |kind: &str| json!({"type": kind, "description": description});
        let parameters = json!({
            "type": "object", "required": ["path"], "additionalProperties": false,
            "properties": {
                "path": property("string"), "offset": property("integer"), "recursive": property("boolean"),
                "edits": {"type": "array", "items": {"type": "object", "properties": {"old": property("string"), "new": property("string")}}},
            },
        });
        match self.dialect {
            Dialect::Chat => json!({"type": "function", "function":
                {"name": name, "description": description, "parameters": parameters}}),
            Dialect::Responses => json!({"type": "function", "name": name, "description": description,
                "strict": false, "parameters": parameters}),
            Dialect::Messages => {
                json!({"name": name, "description": description, "input_schema": parameters})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_requested_size_and_end_with_the_user() {
        for dialect in [Dialect::Chat, Dialect::Responses, Dialect::Messages] {
            for bytes in [1_000, 20_000, 300_000, 1_000_000] {
                let body = Shape::of(dialect, bytes).body();
                assert!(body.len().abs_diff(bytes) * 20 < bytes, "{dialect:?} {bytes}: {}", body.len());
                let body: Value = serde_json::from_slice(&body).unwrap();
                let list = body["messages"].as_array().or(body["input"].as_array()).unwrap();
                assert_eq!(list.last().unwrap()["role"], "user");
            }
        }
    }
}
