//! The usage of a response: token counts, which a stream reports cumulatively, and the parts that they are sums of.

use aibridge_intercept::budget;
use aibridge_intercept::observer::{Usage, UsagePart};
use aibridge_intercept::usage::{update, update_cost};
use aibridge_json::Json;
use aibridge_recorder::ExtraValue;
use std::collections::BTreeMap;

/// The properties of a response that its price depends on.
const PROPERTIES: [&str; 3] = ["service_tier", "speed", "inference_geo"];

/// The most parts that are kept. Further ones are added to the last one.
const MAX_PARTS: usize = 256;

/// Collects the usage of one response. The last non-zero value of each count wins.
#[derive(Debug, Default)]
pub(crate) struct UsageCounter {
    counts: Counts,
    properties: [Option<String>; PROPERTIES.len()],
    cost: Option<String>,
    /// The elements of the last `iterations` that is not empty.
    parts: Vec<UsagePart>,
}

/// The counts of one usage object, or of several that report the same tokens.
#[derive(Debug, Default)]
struct Counts {
    input: Option<i64>,
    output: Option<i64>,
    cache_read: Option<i64>,
    cache_write: Option<i64>,
    cache_write_5m: Option<i64>,
    cache_write_1h: Option<i64>,
    thinking: Option<i64>,
    web_searches: Option<i64>,
    web_fetches: Option<i64>,
    code_executions: Option<i64>,
}

/// The recorded names of the written cache tokens by lifetime.
const CACHE_WRITES: [&str; 2] = ["cache_write_5m", "cache_write_1h"];

impl UsageCounter {
    /// Reads a `usage` member. Other values than objects are ignored.
    pub(crate) fn read(&mut self, usage: Option<Json<'_>>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        self.counts.read(usage);
        for (property, value) in self.properties.iter_mut().zip(usage.members(PROPERTIES)) {
            *property = value.and_then(Json::non_empty_string).map(budget::identifier).or(property.take());
        }
        let [cost, iterations] = usage.members(["cost", "iterations"]);
        update_cost(&mut self.cost, cost);
        let parts = iterations.map(parts).unwrap_or_default();
        if !parts.is_empty() {
            self.parts = parts;
        }
    }

    /// The usage of the response; `None` if the provider reported no known count.
    pub(crate) fn finish(&mut self) -> Option<Usage> {
        let Self { counts, properties, cost, parts } = std::mem::take(self);
        if counts.is_empty() && parts.is_empty() && cost.is_none() {
            return None;
        }
        let mut usage = counts.into_usage();
        if !parts.is_empty() {
            usage = sum_of(&parts, usage.extra);
        }
        let properties = PROPERTIES.into_iter().zip(properties);
        usage
            .extra
            .extend(properties.filter_map(|(name, value)| Some((name.to_owned(), ExtraValue::Text(value?)))));
        Some(Usage { cost, parts, ..usage })
    }
}

/// The usages in `iterations`, each with its own model.
fn parts(iterations: Json<'_>) -> Vec<UsagePart> {
    let mut parts: Vec<UsagePart> = Vec::new();
    iterations.for_each_element(|iteration| {
        if !iteration.is_object() {
            return;
        }
        let mut counts = Counts::default();
        counts.read(iteration);
        let usage = counts.into_usage();
        if let Some(last) = parts.get_mut(MAX_PARTS - 1) {
            add(&mut last.usage, &usage);
            return;
        }
        let model = iteration.member("model").and_then(Json::non_empty_string).map(budget::identifier);
        parts.push(UsagePart { model, usage });
    });
    parts
}

/// The sum of `parts`. Counts of `total` that no part reports are added, except for cache writes.
fn sum_of(parts: &[UsagePart], total: BTreeMap<String, ExtraValue>) -> Usage {
    let mut sum = Usage::default();
    for part in parts {
        add(&mut sum, &part.usage);
    }
    for (name, value) in total {
        if !CACHE_WRITES.contains(&name.as_str()) {
            sum.extra.entry(name).or_insert(value);
        }
    }
    sum
}

fn add(sum: &mut Usage, usage: &Usage) {
    let Usage { input, output, cache_read, cache_write, extra, cost: _, parts: _ } = usage;
    let counts = [
        (&mut sum.input, *input),
        (&mut sum.output, *output),
        (&mut sum.cache_read, *cache_read),
        (&mut sum.cache_write, *cache_write),
    ];
    for (total, count) in counts {
        *total = total.saturating_add(count);
    }
    for (name, value) in extra {
        let Some(count) = value.count() else { continue };
        let total = sum.extra.get(name).and_then(ExtraValue::count).unwrap_or(0);
        sum.extra.insert(name.clone(), total.saturating_add(count).into());
    }
}

impl Counts {
    fn read(&mut self, usage: Json<'_>) {
        let [input, output, read, written, creation, details, tools] = usage.members([
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation",
            "output_tokens_details",
            "server_tool_use",
        ]);
        update(&mut self.input, [input]);
        update(&mut self.output, [output]);
        update(&mut self.cache_read, [read]);
        update(&mut self.cache_write, [written]);
        if let Some(creation) = creation {
            let [five_minutes, one_hour] =
                creation.members(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]);
            update(&mut self.cache_write_5m, [five_minutes]);
            update(&mut self.cache_write_1h, [one_hour]);
        }
        if let Some(details) = details {
            update(&mut self.thinking, details.members(["thinking_tokens", "reasoning_tokens"]));
        }
        if let Some(tools) = tools {
            let [searches, fetches, executions] =
                tools.members(["web_search_requests", "web_fetch_requests", "code_execution_requests"]);
            update(&mut self.web_searches, [searches]);
            update(&mut self.web_fetches, [fetches]);
            update(&mut self.code_executions, [executions]);
        }
    }

    fn is_empty(&self) -> bool {
        let Self { input, output, cache_read, cache_write, .. } = self;
        [input, output, cache_read, cache_write].iter().all(|count| count.is_none())
            && self.extra().is_empty()
    }

    /// The usage with these counts. Input does not include cached tokens. A cache write without a
    /// reported lifetime counts as one for 5 minutes, the default of the API.
    fn into_usage(mut self) -> Usage {
        let by_lifetime =
            [self.cache_write_5m, self.cache_write_1h].into_iter().flatten().fold(0, i64::saturating_add);
        let rest = self.cache_write.unwrap_or(0) - by_lifetime;
        if rest > 0 {
            self.cache_write_5m = Some(self.cache_write_5m.unwrap_or(0) + rest);
        }
        Usage {
            input: self.input.unwrap_or(0),
            output: self.output.unwrap_or(0),
            cache_read: self.cache_read.unwrap_or(0),
            cache_write: self.cache_write.unwrap_or(0).max(by_lifetime),
            extra: self.extra(),
            cost: None,
            parts: Vec::new(),
        }
    }

    /// The other counts, by their recorded names.
    fn extra(&self) -> BTreeMap<String, ExtraValue> {
        let [five_minutes, one_hour] = CACHE_WRITES;
        [
            (five_minutes, self.cache_write_5m),
            (one_hour, self.cache_write_1h),
            ("output_thinking", self.thinking),
            ("web_search_requests", self.web_searches),
            ("web_fetch_requests", self.web_fetches),
            ("code_execution_requests", self.code_executions),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), count?.into())))
        .collect()
    }
}

#[cfg(test)]
mod tests;
