//! Reads chat completion objects: a whole response, or the chunks of a stream.

use crate::reasoning::{ReasoningCollector, ReasoningParts};
use crate::tools::ToolCalls;
use aibridge_intercept::ResponseSummary;
use aibridge_intercept::budget;
use aibridge_intercept::in_band::has_error;
use aibridge_intercept::observer::{Ending, Searches};
use aibridge_intercept::usage::{ExtraNames, UsageCounter};
use aibridge_json::{Json, LenientText};
use std::collections::BTreeMap;

/// The recorded names of the other counts of a chat completion.
const EXTRA: ExtraNames = ExtraNames {
    prompt_audio: Some("prompt_audio"),
    output_audio: Some("completion_audio"),
    reasoning: Some("completion_reasoning"),
    accepted_prediction: Some("completion_accepted_prediction"),
    rejected_prediction: Some("completion_rejected_prediction"),
};

/// The maximum number of choices that are tracked. OpenAI allows 128.
const MAX_CHOICES: usize = 1024;

/// Collects the contents of the objects of one response.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    response_id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    usage: UsageCounter,
    tools: ToolCalls,
    reasoning: ReasoningCollector,
    /// The choices so far, by index, and whether each is finished.
    choices: BTreeMap<i64, bool>,
    /// Whether the response has more than [`MAX_CHOICES`] choices.
    too_many_choices: bool,
    failed: bool,
    characters: u64,
}

/// The properties of an object that decide whether it is relayed.
#[derive(Debug, Default)]
pub(crate) struct ObjectKind {
    /// Whether the object has usage and an empty list of choices.
    pub(crate) usage_only: bool,
}

impl Reader {
    /// Reads one object; `None` if `data` is not a JSON object. `whole` means that its messages are complete, not deltas.
    pub(crate) fn object(&mut self, data: &[u8], whole: bool) -> Option<ObjectKind> {
        let text = LenientText::new(data);
        let names =
            ["service_tier", "id", "model", "object", "choices", "usage", "x_groq", "message", "error"];
        let [service_tier, id, model, object, choices, usage, x_groq, message, error] = text.object(names)?;
        if self.response_id.is_none() {
            self.response_id = id.and_then(Json::non_empty_string).map(budget::identifier);
        }
        if self.model.is_none() {
            self.model = model.and_then(Json::non_empty_string).map(budget::identifier);
        }
        if let Some(service_tier) = service_tier.and_then(Json::non_empty_string) {
            self.service_tier = Some(budget::identifier(service_tier));
        }
        for parent in [message, x_groq].into_iter().flatten() {
            self.usage.read(parent.member("usage"));
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
        Some(ObjectKind { usage_only: !failed && no_choices && usage.is_some_and(Json::is_object) })
    }

    fn choice(&mut self, choice: Json<'_>, whole: bool) {
        let [index, delta, message, finish_reason, usage, error] =
            choice.members(["index", "delta", "message", "finish_reason", "usage", "error"]);
        let index = index.and_then(Json::count).unwrap_or(0);
        let finish_reason = finish_reason.and_then(Json::string);
        let finish_reason = finish_reason.as_deref().unwrap_or_default();
        self.failed |= has_error(error) || finish_reason == "error";
        self.add_choice(index, !matches!(finish_reason, "" | "null" | "error"));
        self.usage.read(usage);
        // Some providers send a whole message beside an empty delta.
        let message = delta.filter(|delta| delta.has_members()).or(message);
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
                true => self.tools.add_whole(choice, entry),
                false => self.tools.add_piece(choice, entry),
            });
        }
        if let Some(function_call) = function_call {
            self.tools.add_legacy(choice, function_call);
        }
        let parts = ReasoningParts::read(reasoning_content, reasoning, details, content);
        self.reasoning.add(choice, &parts);
        let generated = [content, reasoning_content, reasoning, tool_calls, function_call];
        self.characters += generated.into_iter().flatten().map(|json| json.length()).sum::<u64>();
    }

    fn add_choice(&mut self, index: i64, finished: bool) {
        let count = self.choices.len();
        match self.choices.get_mut(&index) {
            Some(state) => *state |= finished,
            None if count < MAX_CHOICES => drop(self.choices.insert(index, finished)),
            None => self.too_many_choices = true,
        }
    }

    /// Counts a chunk that is not parsed: content with this number of characters of choice 0, if it `has_choice`.
    pub(crate) fn skip(&mut self, characters: u64, has_choice: bool) {
        if has_choice {
            self.add_choice(0, false);
        }
        self.characters += characters;
    }

    /// Marks the response as failed: the provider reported an error.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether the provider reported an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether an object contained the id of the response.
    pub(crate) fn has_id(&self) -> bool {
        self.response_id.is_some()
    }

    /// Returns the summary of the objects. The response is complete if all choices are finished, or if `complete` is set.
    pub(crate) fn finish(&mut self, complete: bool) -> ResponseSummary {
        let all_finished = !self.too_many_choices && self.choices.values().all(|finished| *finished);
        let finished = complete || all_finished && !self.choices.is_empty();
        ResponseSummary {
            objects: Vec::new(),
            response_id: self.response_id.take(),
            model: self.model.take(),
            service_tier: self.service_tier.take(),
            searches: Searches::default(),
            usage: self.usage.finish(&EXTRA),
            omits_tool_calls: self.tools.omits_calls(),
            tools: self.tools.finish(),
            reasoning: self.reasoning.finish(),
            ending: Ending::of(self.failed, finished),
            characters: self.characters,
        }
    }
}
