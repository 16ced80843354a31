//! Reads the content blocks of a message: tool calls and reasoning. A blocking response contains whole blocks, a stream
//! their starts and deltas.

use aibridge_intercept::assembly::{ReasoningTexts, ToolCalls};
use aibridge_intercept::budget::{Budget, CappedText};
use aibridge_intercept::observer::{ReasoningText, ToolCall};
use aibridge_json::Json;
use aibridge_recorder::ReasoningSource;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The types of blocks that are tool calls: run by the client, by the provider, and by an MCP server.
const TOOL_CALLS: [&str; 3] = ["tool_use", "server_tool_use", "mcp_tool_use"];

/// Collects the blocks of one response. The work for an event does not depend on the number of blocks.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    tools: ToolCalls,
    /// The inputs in the starts of tool calls, in the order of `tools`; `None` once an input comes in deltas.
    initial_inputs: Vec<Option<CappedText>>,
    initial_budget: Budget,
    reasoning: ReasoningTexts,
    /// The recorded blocks by their index in the message. Blocks of other kinds are not tracked.
    by_index: HashMap<i64, Block>,
    /// The tool calls by the hash of their id: ids have no maximum length.
    by_id: HashMap<u64, Block>,
    hasher: RandomState,
    /// The block that a delta without an index continues.
    latest: Option<Block>,
    characters: u64,
}

/// A block whose content is recorded, with its position.
#[derive(Debug, Clone, Copy)]
enum Block {
    ToolCall(usize),
    Thinking(usize),
}

impl Blocks {
    /// Reads all blocks of a `content`.
    pub(crate) fn read_all(&mut self, content: Json<'_>) {
        content.for_each_element(|block| self.start(None, block));
        if !content.is_array() {
            self.characters += content.length();
        }
    }

    /// Reads the start of a block, or a whole block.
    pub(crate) fn start(&mut self, index: Option<Json<'_>>, block: Json<'_>) {
        let [kind, thinking, text] = block.members(["type", "thinking", "text"]);
        let kind = kind.and_then(Json::string).unwrap_or_default();
        let started = match &*kind {
            kind if TOOL_CALLS.contains(&kind) => self.start_tool_call(block),
            "thinking" => self.start_thinking(),
            _ => None,
        };
        self.latest = started;
        if let Some(index) = index.and_then(Json::count) {
            match started {
                Some(block) => drop(self.by_index.insert(index, block)),
                None => drop(self.by_index.remove(&index)),
            }
        }
        if let (Some(Block::Thinking(at)), Some(thinking)) = (started, thinking) {
            self.think(at, thinking);
        }
        self.characters += text.map_or(0, Json::length);
    }

    /// Reads a delta of a block. Its members decide, because some servers leave out its type.
    pub(crate) fn delta(&mut self, index: Option<Json<'_>>, delta: Json<'_>) {
        let [input, thinking, text] = delta.members(["partial_json", "thinking", "text"]);
        let index = index.and_then(Json::count);
        let block = match index {
            Some(index) => self.by_index.get(&index).copied(),
            None => self.latest,
        };
        self.characters += text.map_or(0, Json::length);
        match (block, input, thinking) {
            (Some(Block::ToolCall(at)), Some(input), _) => {
                let input = text_or_json(input);
                self.characters += input.chars().count() as u64;
                if let Some(initial) = self.initial_inputs.get_mut(at).filter(|_| !input.is_empty()) {
                    *initial = None;
                }
                self.tools.append_input(at, &input);
            }
            (Some(Block::Thinking(at)), _, Some(thinking)) => self.think(at, thinking),
            // The start of the block was lost.
            (None, _, Some(thinking)) => {
                let Some(Block::Thinking(at)) = self.start_thinking() else { return };
                self.latest = Some(Block::Thinking(at));
                self.by_index.extend(index.map(|index| (index, Block::Thinking(at))));
                self.think(at, thinking);
            }
            _ => {}
        }
    }

    /// Starts a tool call, or continues the one with the same id.
    fn start_tool_call(&mut self, block: Json<'_>) -> Option<Block> {
        let [id, name, input, server_name] = block.members(["id", "name", "input", "server_name"]);
        let id = id.and_then(Json::string).unwrap_or_default();
        let id_hash = self.hasher.hash_one(&*id);
        if let Some(block) = self.by_id.get(&id_hash) {
            return Some(*block);
        }
        let at = self.tools.start()?;
        let text = |json: Option<Json<'_>>| json.and_then(Json::string).unwrap_or_default().into_owned();
        self.tools.set_id(at, &id);
        self.tools.set_name(at, &text(name));
        self.tools.set_server_url(at, &text(server_name));
        let input = input.filter(|input| input.is_truthy()).map(text_or_json).unwrap_or_default();
        self.characters += input.chars().count() as u64;
        self.initial_inputs.push(Some(self.initial_budget.copy(&input)));
        let block = Block::ToolCall(at);
        if !id.is_empty() {
            self.by_id.insert(id_hash, block);
        }
        Some(block)
    }

    fn start_thinking(&mut self) -> Option<Block> {
        self.reasoning.start(ReasoningSource::Thinking).map(Block::Thinking)
    }

    fn think(&mut self, at: usize, thinking: Json<'_>) {
        let text = thinking.string().unwrap_or_default();
        self.characters += text.chars().count() as u64;
        self.reasoning.append(at, &text);
    }

    /// Counts text that is not parsed.
    pub(crate) fn skip(&mut self, characters: u64) {
        self.characters += characters;
    }

    /// The approximate number of generated characters.
    pub(crate) fn characters(&self) -> u64 {
        self.characters
    }

    /// Whether the response has more tool calls than are kept.
    pub(crate) fn omits_calls(&self) -> bool {
        self.tools.omits_calls()
    }

    /// Returns the tool calls and the reasoning. A call without any input has the input `{}`.
    pub(crate) fn finish(&mut self) -> (Vec<ToolCall>, Vec<ReasoningText>) {
        let Self { mut tools, initial_inputs, mut reasoning, .. } = std::mem::take(self);
        let mut tools = tools.finish();
        for (call, initial) in tools.iter_mut().zip(initial_inputs) {
            let Some(CappedText { text, truncated }) = initial else { continue };
            call.truncated |= truncated;
            call.input = if text.is_empty() && !truncated { "{}".into() } else { text };
        }
        (tools, reasoning.finish())
    }
}

/// The content of a string; the JSON text of any other value.
fn text_or_json(json: Json<'_>) -> Cow<'_, str> {
    json.string().unwrap_or(Cow::Borrowed(json.text()))
}

#[cfg(test)]
mod tests;
