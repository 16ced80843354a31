//! Chat completion objects: whole, or chunk by chunk.

use crate::reasoning::{self, Reasoning};
use crate::tools::ToolCalls;
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::budget;
use aibridge_intercept::in_band::has_error;
use aibridge_intercept::observer::Ending;
use aibridge_intercept::usage::{ExtraNames, UsageCounter};
use aibridge_json::{Json, LenientText};
use std::collections::BTreeMap;

/// How the further counts of a chat completion are called in its record.
const EXTRA: ExtraNames = ExtraNames {
    prompt_audio: Some("prompt_audio"),
    output_audio: Some("completion_audio"),
    reasoning: Some("completion_reasoning"),
    accepted_prediction: Some("completion_accepted_prediction"),
    rejected_prediction: Some("completion_rejected_prediction"),
};

/// The most choices of a response that are told apart. OpenAI allows 128.
const CHOICES_AT_MOST: usize = 1024;

/// Gathers what the objects of one response contain.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    response_id: Option<String>,
    usage: UsageCounter,
    tools: ToolCalls,
    reasoning: Reasoning,
    /// Which choices were seen, and whether they are finished.
    choices: BTreeMap<i64, bool>,
    /// A choice beyond those that are told apart was seen.
    too_many_choices: bool,
    failed: bool,
    characters: u64,
}

/// What an object is, as far as its relaying goes.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// It has usage and no choices: a usage-only chunk.
    pub(crate) usage_only: bool,
}

impl Reader {
    /// Reads one object; `None` if `data` is none. `whole` if its messages are complete rather than deltas.
    pub(crate) fn object(&mut self, data: &[u8], whole: bool) -> Option<Read> {
        let text = LenientText::new(data);
        let names = ["id", "object", "choices", "usage", "x_groq", "message", "error"];
        let [id, object, choices, usage, x_groq, message, error] = text.object(names)?;
        if self.response_id.is_none() {
            self.response_id = id.and_then(Json::non_empty_string).map(budget::response_id);
        }
        for place in [message, x_groq].into_iter().flatten() {
            self.usage.read(place.member("usage"));
        }
        self.usage.read(usage);
        let failed = has_error(error) || object.is_some_and(|object| object.is_string("error"));
        self.failed |= failed;
        let mut count = 0;
        if let Some(choices) = choices {
            choices.for_each_element(|choice| {
                count += 1;
                self.choice(choice, whole);
            });
        }
        let no_choices = count == 0 && choices.is_some_and(Json::is_array);
        Some(Read { usage_only: !failed && no_choices && usage.is_some_and(Json::is_object) })
    }

    fn choice(&mut self, choice: Json<'_>, whole: bool) {
        let [index, delta, message, finish_reason, usage, error] =
            choice.members(["index", "delta", "message", "finish_reason", "usage", "error"]);
        let index = index.and_then(Json::count).unwrap_or(0);
        let finish_reason = finish_reason.and_then(Json::string);
        let finish_reason = finish_reason.as_deref().unwrap_or_default();
        self.failed |= has_error(error) || finish_reason == "error";
        self.saw_choice(index, !matches!(finish_reason, "" | "null" | "error"));
        self.usage.read(usage);
        let object = |json: Option<Json<'_>>| json.is_some_and(Json::is_object);
        let message = if object(delta) { delta } else { message };
        if let Some(message) = message.filter(|_| self.choices.contains_key(&index)) {
            self.message(index, message, whole);
        }
    }

    fn message(&mut self, choice: i64, message: Json<'_>, whole: bool) {
        let [tool_calls, function_call, reasoning_content, reasoning, details, content, usage] = message
            .members([
                "tool_calls",
                "function_call",
                "reasoning_content",
                "reasoning",
                "reasoning_details",
                "content",
                "usage",
            ]);
        self.usage.read(usage);
        if let Some(tool_calls) = tool_calls {
            tool_calls.for_each_element(|entry| match whole {
                true => self.tools.whole(choice, entry),
                false => self.tools.piece(choice, entry),
            });
        }
        if let Some(function_call) = function_call {
            self.tools.legacy(choice, function_call);
        }
        let pieces = reasoning::pieces(reasoning_content, reasoning, details, content);
        self.reasoning.add(choice, &pieces);
        let generated = [content, reasoning_content, reasoning, tool_calls, function_call];
        self.characters += generated.into_iter().flatten().map(|json| json.length()).sum::<u64>();
    }

    fn saw_choice(&mut self, index: i64, finished: bool) {
        let known = self.choices.len();
        match self.choices.get_mut(&index) {
            Some(state) => *state |= finished,
            None if known < CHOICES_AT_MOST => drop(self.choices.insert(index, finished)),
            None => self.too_many_choices = true,
        }
    }

    /// Notes a chunk that was not read: a piece of content of the choice 0 with so many characters.
    pub(crate) fn skipped(&mut self, characters: u64) {
        self.saw_choice(0, false);
        self.characters += characters;
    }

    /// Notes that the provider reported an error.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether the provider reported an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether the id of the response is known.
    pub(crate) fn has_id(&self) -> bool {
        self.response_id.is_some()
    }

    /// What was gathered. The response is complete if all choices are finished, or if `complete` says so.
    pub(crate) fn finish(&mut self, complete: bool) -> ResponseSummary {
        let all_finished = !self.too_many_choices && self.choices.values().all(|finished| *finished);
        let finished = complete || all_finished && !self.choices.is_empty();
        ResponseSummary {
            objects: Vec::new(),
            response_id: self.response_id.take(),
            usage: self.usage.finish(&EXTRA),
            tools: self.tools.finish(),
            reasoning: self.reasoning.finish(),
            ending: match (self.failed, finished) {
                (true, _) => Ending::Failed,
                (false, true) => Ending::Complete,
                (false, false) => Ending::Missing,
            },
            characters: self.characters,
        }
    }
}
