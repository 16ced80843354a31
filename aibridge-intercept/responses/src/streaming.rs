//! Reads a stream of events, closed by a terminal event: `response.completed`, `.incomplete` or `.failed`.

use crate::items::Items;
use crate::objects;
use aibridge_intercept::in_band::{has_error, is_error, is_error_event, is_named_error};
use aibridge_intercept::observer::Ending;
use aibridge_intercept::usage::{ExtraNames, UsageCounter};
use aibridge_intercept::{Error, EventAction, Observer, ResponseSummary, budget};
use aibridge_json::{Json, LenientText, Prefilter, StringLength};
use aibridge_sse::Event;
use bytes::Bytes;
use std::sync::LazyLock;

/// The recorded names of the other counts of a response.
const EXTRA: ExtraNames = ExtraNames {
    prompt_audio: None,
    output_audio: None,
    reasoning: Some("output_reasoning"),
    accepted_prediction: None,
    rejected_prediction: None,
};

/// The types of events that are parsed once the response's id is known.
static PARSED_EVENTS: LazyLock<Prefilter> = LazyLock::new(|| {
    Prefilter::new(&[
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "error",
    ])
});

static DELTA: LazyLock<StringLength> = LazyLock::new(|| StringLength::new("\"delta\""));

/// Reads the response to one responses request.
#[derive(Debug, Default)]
pub struct Streaming {
    response_id: Option<String>,
    model: Option<String>,
    /// The service tier of the last event with one: the terminal event names the one that is charged.
    service_tier: Option<String>,
    /// The ids of the objects in events with a `response`.
    objects: Vec<String>,
    usage: UsageCounter,
    /// The items of the terminal event's `output`; before it, the items of `response.output_item.done` events.
    items: Items,
    complete: bool,
    failed: bool,
    characters: u64,
    event_count: i64,
}

impl Streaming {
    /// Reads the id and the model of a response.
    fn identify(&mut self, response: Json<'_>) {
        let name = |json: Option<Json<'_>>| json.and_then(Json::non_empty_string).map(budget::identifier);
        let [id, model, service_tier] = response.members(["id", "model", "service_tier"]);
        self.response_id = self.response_id.take().or_else(|| name(id));
        self.model = self.model.take().or_else(|| name(model));
        self.service_tier = name(service_tier).or(self.service_tier.take());
    }

    /// Reads a whole response.
    fn whole(&mut self, response: Json<'_>) {
        for object in objects::of_response(response) {
            if !self.objects.contains(&object) {
                self.objects.push(object);
            }
        }
        self.identify(response);
        let [usage, output, error] = response.members(["usage", "output", "error"]);
        self.failed |= has_error(error);
        self.usage.read(usage);
        if let Some(output) = output.filter(|output| output.last_element().is_some()) {
            self.items = Items::default();
            self.items.read_all(output);
        }
    }
}

impl Observer for Streaming {
    /// An error event is not terminal: `response.failed` may follow.
    fn event(&mut self, event: &Event) -> EventAction {
        let Some(data) = event.data() else {
            self.failed |= is_named_error(event);
            return EventAction::Relay;
        };
        self.event_count += 1;
        self.failed |= is_error_event(event, &data);
        if self.response_id.is_some() && !PARSED_EVENTS.matches(&data) {
            self.characters += DELTA.sum(&data);
            return EventAction::Relay;
        }
        let text = LenientText::new(&data);
        let names = ["type", "response", "item", "error", "object"];
        let Some([kind, response, item, error, object]) = text.object(names) else {
            self.failed |= text.json().is_some_and(is_error);
            return EventAction::Relay;
        };
        self.failed |= has_error(error) || object.is_some_and(|object| object.is_string("error"));
        if self.response_id.is_none() {
            self.objects = response.map(objects::of_response).unwrap_or_default();
            if let Some(response) = response {
                self.identify(response);
            }
        }
        match kind.and_then(Json::string).as_deref() {
            Some("response.output_item.done") => {
                if let Some(item) = item {
                    self.items.read(item);
                }
                return EventAction::Relay;
            }
            Some("response.completed" | "response.incomplete") => self.complete = true,
            Some("response.failed") => self.failed = true,
            other => {
                self.failed |= other == Some("error");
                return EventAction::Relay;
            }
        }
        if let Some(response) = response {
            self.whole(response);
        }
        EventAction::Terminal
    }

    fn body(&mut self, body: &[u8]) {
        let text = LenientText::new(body);
        let Some(response) = text.json().filter(|json| json.is_object()) else {
            self.failed = true;
            return;
        };
        let [kind, status] = response.members(["type", "status"]);
        let equals = |json: Option<Json<'_>>, text| json.is_some_and(|json| json.is_string(text));
        self.failed |= is_error(response) || equals(status, "failed") || equals(kind, "error");
        self.complete = true;
        self.whole(response);
    }

    fn has_failed(&self) -> bool {
        self.failed
    }

    fn objects(&self) -> &[String] {
        &self.objects
    }

    fn finish(&mut self) -> ResponseSummary {
        let mut items = std::mem::take(&mut self.items);
        ResponseSummary {
            response_id: self.response_id.take(),
            model: self.model.take(),
            service_tier: self.service_tier.take(),
            searches: items.searches,
            objects: std::mem::take(&mut self.objects),
            usage: self.usage.finish(&EXTRA),
            omits_tool_calls: items.tools.omits_calls(),
            tools: items.tools.finish(),
            reasoning: items.reasoning.finish(),
            ending: Ending::of(self.failed, self.complete),
            characters: self.characters.max(items.characters),
        }
    }

    /// The event has the number that follows those of the events so far.
    fn error_event(&self, error: &Error) -> Bytes {
        let message = serde_json::Value::from(error.to_string());
        let (code, number) = (error.code(), self.event_count);
        format!(
            "event: error\ndata: {{\"type\":\"error\",\"code\":\"{code}\",\"message\":{message},\"param\":null,\
             \"sequence_number\":{number}}}\n\n"
        )
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(stream: &[&str]) -> (Vec<EventAction>, ResponseSummary) {
        let mut streaming = Streaming::default();
        let actions = stream
            .iter()
            .map(|data| data.replace('\n', ""))
            .map(|data| streaming.event(&Event::from(Bytes::from(format!("event: x\ndata: {data}\n\n")))))
            .collect();
        (actions, streaming.finish())
    }

    const CREATED: &str = r#"{"type":"response.created","response":{"id":"resp_1","output":[]}}"#;
    const ITEM: &str = r#"{"type":"response.output_item.done","item":{"type":"function_call","call_id":"c1","name":"add","arguments":"{}"}}"#;

    #[test]
    fn the_terminal_event_replaces_earlier_items() {
        let completed = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed",
            "output":[{"type":"function_call","call_id":"c2","name":"sub","arguments":"{}"}],
            "usage":{"input_tokens":1,"output_tokens":2}}}"#;
        let (actions, summary) = observe(&[CREATED, ITEM, completed]);
        assert_eq!(actions, [EventAction::Relay, EventAction::Relay, EventAction::Terminal]);
        assert_eq!(summary.tools.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["sub"]);
        assert_eq!(summary.usage.map(|usage| usage.output), Some(2));
        assert_eq!((summary.response_id.as_deref(), summary.ending), (Some("resp_1"), Ending::Complete));
    }

    #[test]
    fn finished_items_count_without_a_final_output() {
        for terminal in [
            r#"{"type":"response.completed","response":{"output":[]}}"#,
            r#"{"type":"response.completed","response":{}}"#,
            r#"{"type":"response.incomplete","response":{"output":null}}"#,
            r#"{"type":"error","message":"x"}"#,
            r#"{"type":"response.in_progress"}"#,
        ] {
            let (_, summary) = observe(&[CREATED, ITEM, terminal]);
            assert_eq!(summary.tools.len(), 1, "{terminal}");
            assert_eq!(summary.response_id.as_deref(), Some("resp_1"), "{terminal}");
        }
    }

    #[test]
    fn detects_how_a_stream_ended() {
        let error = r#"{"type":"error","code":"server_error","message":"x"}"#;
        let completed = r#"{"type":"response.completed","response":{"error":null}}"#;
        let failed =
            r#"{"type":"response.failed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}"#;
        let delta = r#"{"type":"response.output_text.delta","delta":"x"}"#;
        let table: &[(&[&str], Ending, EventAction)] = &[
            (&[completed], Ending::Complete, EventAction::Terminal),
            (&[r#"{"type":"response.incomplete"}"#], Ending::Complete, EventAction::Terminal),
            (&[failed], Ending::Failed, EventAction::Terminal),
            (&[error], Ending::Failed, EventAction::Relay),
            (&[error, failed], Ending::Failed, EventAction::Terminal),
            (&[error, completed], Ending::Failed, EventAction::Terminal),
            (&[r#"{"error":{"message":"x"}}"#], Ending::Failed, EventAction::Relay),
            (&[r#"{"object":"error","message":"x"}"#], Ending::Failed, EventAction::Relay),
            (&[r#"[{"error":{"code":503}}]"#], Ending::Failed, EventAction::Relay),
            (&[r#"{"type":"response.in_progress","error":{}}"#], Ending::Missing, EventAction::Relay),
            (&[delta], Ending::Missing, EventAction::Relay),
        ];
        for (events, ending, action) in table {
            let (actions, summary) = observe(&[&[CREATED], *events].concat());
            assert_eq!((actions.last(), summary.ending), (Some(action), *ending), "{events:?}");
            let usage = summary.usage.map(|usage| (usage.input, usage.output));
            assert_eq!(usage, events.contains(&failed).then_some((1, 2)), "{events:?}");
        }
        assert_eq!(observe(&[]).1.ending, Ending::Missing);
        assert_eq!(observe(&["no json", "[1]"]).0, [EventAction::Relay, EventAction::Relay]);
    }

    #[test]
    fn an_event_named_error_is_a_failure() {
        let mut streaming = Streaming::default();
        let event = Event::from(Bytes::from_static(b"event: error\ndata: {\"message\":\"busy\"}\n\n"));
        assert_eq!(streaming.event(&event), EventAction::Relay);
        assert_eq!(streaming.finish().ending, Ending::Failed);
    }

    #[test]
    fn counts_generated_characters() {
        let delta = r#"{"type":"response.output_text.delta","delta":"äbcd"}"#;
        let completed = r#"{"type":"response.completed","response":{"output":[
            {"type":"message","content":[{"type":"output_text","text":"äbcdefgh"}]}]}}"#;
        assert_eq!(observe(&[CREATED, delta, delta]).1.limit_tokens(), (2, true));
        assert_eq!(observe(&[CREATED, delta, delta, completed]).1.limit_tokens(), (2, true));
        assert_eq!(observe(&[CREATED, completed]).1.limit_tokens(), (2, true));
    }
}
