//! Token counts, which providers report in several places, under several names, once or with every event.

use crate::observer::Usage;
use aibridge_json::Json;
use aibridge_recorder::ExtraValue;
use std::collections::BTreeMap;

/// The names that a dialect gives the additional counts in its records; `None` for those that it does not record.
#[derive(Debug)]
pub struct ExtraNames {
    /// Audio tokens of the prompt.
    pub prompt_audio: Option<&'static str>,
    /// Audio tokens of the output.
    pub output_audio: Option<&'static str>,
    /// Reasoning tokens, which are part of the output.
    pub reasoning: Option<&'static str>,
    /// Predicted tokens that became output.
    pub accepted_prediction: Option<&'static str>,
    /// Predicted tokens that did not become output.
    pub rejected_prediction: Option<&'static str>,
}

/// Collects the usage of one response. The last non-zero value of each count wins, so that an empty object after the real
/// one changes nothing.
#[derive(Debug, Default)]
pub struct UsageCounter {
    prompt: Option<i64>,
    output: Option<i64>,
    total: Option<i64>,
    cache_read: Option<i64>,
    cache_write: Option<i64>,
    prompt_audio: Option<i64>,
    output_audio: Option<i64>,
    reasoning: Option<i64>,
    accepted_prediction: Option<i64>,
    rejected_prediction: Option<i64>,
    cost: Option<String>,
}

impl UsageCounter {
    /// Reads a `usage` member. Other values than objects are ignored.
    pub fn read(&mut self, usage: Option<Json<'_>>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let [prompt, input, completion, output, total, cost, cached, hit, read, written, details @ ..]: [_;
            14] = usage.members([
            "prompt_tokens",
            "input_tokens",
            "completion_tokens",
            "output_tokens",
            "total_tokens",
            "cost",
            "cached_tokens",
            "prompt_cache_hit_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "prompt_tokens_details",
            "input_tokens_details",
            "completion_tokens_details",
            "output_tokens_details",
        ]);
        update(&mut self.prompt, [prompt, input]);
        update(&mut self.output, [completion, output]);
        update(&mut self.total, [total]);
        update_cost(&mut self.cost, cost);
        let [prompt_details, input_details, completion_details, output_details] = details;
        self.read_prompt_details([prompt_details, input_details], counts([cached, hit, read, written]));
        self.read_output_details([completion_details, output_details]);
    }

    fn read_prompt_details(
        &mut self,
        details: [Option<Json<'_>>; 2],
        [cached, hit, read, written]: [Option<i64>; 4],
    ) {
        let names = ["cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens"];
        let [prompt_details, input_details] =
            details.map(|details| details.map(|details| counts(details.members(names))).unwrap_or_default());
        update_count(&mut self.cache_read, &[prompt_details[0], input_details[0], cached, hit, read]);
        let [_, write, creation, _] = prompt_details;
        update_count(&mut self.cache_write, &[write, creation, input_details[1], input_details[2], written]);
        update_count(&mut self.prompt_audio, &[prompt_details[3], input_details[3]]);
    }

    fn read_output_details(&mut self, details: [Option<Json<'_>>; 2]) {
        for details in details.into_iter().flatten() {
            let [audio, reasoning, accepted, rejected] = details.members([
                "audio_tokens",
                "reasoning_tokens",
                "accepted_prediction_tokens",
                "rejected_prediction_tokens",
            ]);
            update(&mut self.output_audio, [audio]);
            update(&mut self.reasoning, [reasoning]);
            update(&mut self.accepted_prediction, [accepted]);
            update(&mut self.rejected_prediction, [rejected]);
        }
    }

    /// The usage of the response; `None` if the provider reported no known count.
    pub fn finish(&mut self, names: &ExtraNames) -> Option<Usage> {
        let Self { prompt, output, total, cache_read, cache_write, .. } = *self;
        let extra: BTreeMap<String, ExtraValue> = [
            (names.prompt_audio, self.prompt_audio),
            (names.output_audio, self.output_audio),
            (names.reasoning, self.reasoning),
            (names.accepted_prediction, self.accepted_prediction),
            (names.rejected_prediction, self.rejected_prediction),
            (Some("total_tokens"), total),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some((name?.to_owned(), count?.into())))
        .collect();
        let cost = self.cost.take();
        let is_empty = [prompt, output, cache_read, cache_write].iter().all(Option::is_none);
        if is_empty && extra.is_empty() && cost.is_none() {
            return None;
        }
        let [read, written] = [cache_read.unwrap_or(0), cache_write.unwrap_or(0)];
        Some(Usage {
            input: (prompt.unwrap_or(0) - read - written).max(0),
            output: self.output_with_reasoning(),
            cache_read: read,
            cache_write: written,
            extra,
            cost,
            parts: Vec::new(),
        })
    }

    /// The output tokens, including reasoning. Some providers do not count reasoning as output, and only the total shows
    /// it (Gemini, xAI). If a provider reports 0 reasoning tokens, its total differs for another reason.
    fn output_with_reasoning(&self) -> i64 {
        let output = self.output.unwrap_or(0);
        let (Some(prompt), Some(total)) = (self.prompt, self.total) else { return output };
        let difference = total - prompt - output;
        let reasoning = self.reasoning.unwrap_or(1);
        if reasoning > 0 && difference >= reasoning { total - prompt } else { output }
    }
}

/// Sets `count` to the first non-zero value, or to 0 if no other value was reported so far.
pub fn update<const N: usize>(count: &mut Option<i64>, values: [Option<Json<'_>>; N]) {
    update_count(count, &counts(values));
}

/// Sets `cost` to the number in `value`, unless that is 0 and another was reported.
pub fn update_cost(cost: &mut Option<String>, value: Option<Json<'_>>) {
    if let Some(number) = value.and_then(Json::number)
        && (cost.is_none() || number.parse::<f64>().is_ok_and(|number| number != 0.0))
    {
        *cost = Some(number);
    }
}

fn update_count(count: &mut Option<i64>, values: &[Option<i64>]) {
    let reported = values.iter().copied().flatten();
    *count = reported.clone().find(|value| *value != 0).or(*count).or_else(|| reported.clone().next());
}

fn counts<const N: usize>(values: [Option<Json<'_>>; N]) -> [Option<i64>; N] {
    values.map(|value| value.and_then(Json::count))
}

#[cfg(test)]
mod tests;
