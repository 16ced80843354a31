//! A stream of events, closed by a terminal event: `response.completed`, `.incomplete` or `.failed`, or `error`.

use crate::blocking::learn_response;
use crate::items;
use aibridge_intercept::json::Json;
use aibridge_intercept::observer::Ending;
use aibridge_intercept::scan::Interest;
use aibridge_intercept::sse::Event;
use aibridge_intercept::{Learnt, Verdict};
use std::sync::LazyLock;

/// The events that are read once the response's id is known.
static READ: LazyLock<Interest> = LazyLock::new(|| {
    Interest::new(&[
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "error",
    ])
});

/// Reads a stream's events as they pass.
#[derive(Debug, Default)]
pub struct Streaming {
    response_id: Option<String>,
    /// What finished items told, for a terminal event without `output`.
    from_items: Learnt,
    terminal: Option<Learnt>,
    events: i64,
}

impl Streaming {
    /// Reads the next event.
    pub fn event(&mut self, event: &Event) -> Verdict {
        let Some(data) = event.data() else { return Verdict::Relay };
        self.events += 1;
        if self.response_id.is_some() && !READ.is_in(&data) {
            return Verdict::Relay;
        }
        let Ok([kind, response, item]) = Json::object(&data, ["type", "response", "item"]) else {
            return Verdict::Relay;
        };
        if self.response_id.is_none() {
            self.response_id =
                response.and_then(|response| response.member("id")).and_then(Json::non_empty_string);
        }
        let ending = match kind.and_then(Json::string).as_deref() {
            Some("response.output_item.done") => {
                if let Some(item) = item {
                    items::learn(item, &mut self.from_items);
                }
                return Verdict::Relay;
            }
            Some("response.completed" | "response.incomplete") => Ending::Complete,
            Some("response.failed" | "error") => Ending::Failed,
            _ => return Verdict::Relay,
        };
        let mut learnt = response.map(learn_response).unwrap_or_default();
        if !response.is_some_and(has_output) {
            learnt.tools = std::mem::take(&mut self.from_items.tools);
            learnt.thoughts = std::mem::take(&mut self.from_items.thoughts);
        }
        self.terminal = Some(Learnt { ending, ..learnt });
        Verdict::Terminal
    }

    /// How many events there were: the `sequence_number` of the next.
    pub(crate) fn events(&self) -> i64 {
        self.events
    }

    /// What was learnt so far.
    pub fn finish(&mut self) -> Learnt {
        let learnt = self.terminal.take().unwrap_or_else(|| std::mem::take(&mut self.from_items));
        Learnt { response_id: self.response_id.take(), ..learnt }
    }
}

fn has_output(response: Json<'_>) -> bool {
    response.member("output").and_then(Json::last_element).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn observe(stream: &[&str]) -> (Vec<Verdict>, Learnt) {
        let mut streaming = Streaming::default();
        let verdicts = stream
            .iter()
            .map(|data| data.replace('\n', ""))
            .map(|data| streaming.event(&Event::from(Bytes::from(format!("event: x\ndata: {data}\n\n")))))
            .collect();
        (verdicts, streaming.finish())
    }

    const CREATED: &str = r#"{"type":"response.created","response":{"id":"resp_1","output":[]}}"#;
    const ITEM: &str = r#"{"type":"response.output_item.done","item":{"type":"function_call","call_id":"c1","name":"add","arguments":"{}"}}"#;

    #[test]
    fn the_terminal_event_tells_most() {
        let completed = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed",
            "output":[{"type":"function_call","call_id":"c2","name":"sub","arguments":"{}"}],
            "usage":{"input_tokens":1,"output_tokens":2}}}"#;
        let (verdicts, learnt) = observe(&[CREATED, ITEM, completed]);
        assert_eq!(verdicts, [Verdict::Relay, Verdict::Relay, Verdict::Terminal]);
        assert_eq!(learnt.tools.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["sub"]);
        assert_eq!(learnt.usage.map(|usage| usage.output), Some(2));
        assert_eq!((learnt.response_id.as_deref(), learnt.ending), (Some("resp_1"), Ending::Complete));
    }

    #[test]
    fn without_a_final_output_the_finished_items_count() {
        for terminal in [
            r#"{"type":"response.completed","response":{"output":[]}}"#,
            r#"{"type":"response.completed","response":{}}"#,
            r#"{"type":"response.incomplete","response":{"output":null}}"#,
            r#"{"type":"error","message":"x"}"#,
            r#"{"type":"response.in_progress"}"#,
        ] {
            let (_, learnt) = observe(&[CREATED, ITEM, terminal]);
            assert_eq!(learnt.tools.len(), 1, "{terminal}");
            assert_eq!(learnt.response_id.as_deref(), Some("resp_1"), "{terminal}");
        }
    }

    #[test]
    fn how_a_stream_ended() {
        for (terminal, ending, verdict) in [
            ("response.completed", Ending::Complete, Verdict::Terminal),
            ("response.incomplete", Ending::Complete, Verdict::Terminal),
            ("response.failed", Ending::Failed, Verdict::Terminal),
            ("error", Ending::Failed, Verdict::Terminal),
            ("response.output_text.delta", Ending::Missing, Verdict::Relay),
        ] {
            let (verdicts, learnt) = observe(&[CREATED, &format!(r#"{{"type":"{terminal}"}}"#)]);
            assert_eq!((verdicts[1], learnt.ending), (verdict, ending), "{terminal}");
        }
        assert_eq!(observe(&[]).1.ending, Ending::Missing);
        assert_eq!(observe(&["no json", "[1]"]).0, [Verdict::Relay, Verdict::Relay]);
    }
}
