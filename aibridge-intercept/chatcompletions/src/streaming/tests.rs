//! Tests of the stream reader.

use super::*;
use aibridge_intercept::budget::MAX_EXTRACTED_BYTES;
use aibridge_intercept::observer::Ending;
use aibridge_recorder::ReasoningSource;

fn event(data: &str) -> Event {
    Event::from(Bytes::from(format!("data: {data}\n\n")))
}

fn observe(withhold_usage: bool, stream: &[&str]) -> (Vec<EventAction>, ResponseSummary) {
    let mut streaming = Streaming::new(withhold_usage);
    let actions = stream.iter().map(|data| streaming.event(&event(data))).collect();
    (actions, streaming.finish())
}

#[test]
fn withholds_only_a_usage_chunk_that_the_client_did_not_request() {
    let usage = r#"{"prompt_tokens":1,"completion_tokens":2}"#;
    let table = [
        (format!(r#"{{"choices":[],"usage":{usage}}}"#), EventAction::Withhold),
        (format!(r#"{{"usage":{usage},"choices":[ ]}}"#), EventAction::Withhold),
        (format!(r#"{{"choices":[{{"delta":{{}}}}],"usage":{usage}}}"#), EventAction::Relay),
        (format!(r#"{{"usage":{usage}}}"#), EventAction::Relay),
        (format!(r#"{{"choices":null,"usage":{usage}}}"#), EventAction::Relay),
        (r#"{"choices":[],"usage":null}"#.into(), EventAction::Relay),
        (r#"{"choices":[]}"#.into(), EventAction::Relay),
        (r#"{"choices":[],"prompt_filter_results":[]}"#.into(), EventAction::Relay),
        ("no json".into(), EventAction::Relay),
        (format!(r#"{{"error":null,"choices":[],"usage":{usage}}}"#), EventAction::Withhold),
        (r#"{"choices":[],"usage":{}}"#.into(), EventAction::Withhold),
        (r#"{"error":{"message":"x"},"choices":[],"usage":{}}"#.into(), EventAction::Relay),
        (r#"{"error":{"message":"x"}}"#.into(), EventAction::Relay),
        ("[DONE]".into(), EventAction::Terminal),
    ];
    for (data, expected) in &table {
        assert_eq!(observe(true, &[data]).0, [*expected], "{data}");
        let unchanged = if *expected == EventAction::Withhold { EventAction::Relay } else { *expected };
        assert_eq!(observe(false, &[data]).0, [unchanged], "{data}");
    }
    assert_eq!(
        Streaming::new(true).event(&Event::from(Bytes::from_static(b": ping\n\n"))),
        EventAction::Relay
    );
}

#[test]
fn assembles_tool_calls_per_choice_and_index() {
    let (_, summary) = observe(
        true,
        &[
            r#"{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"a","function":{"name":"read","arguments":""}}]}}]}"#,
            r#"{"id":"c2","choices":[{"index":1,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"write"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"p\""}}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"x"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":":1}"}},{"index":2,"id":"c","function":{"name":"list"}}]}}]}"#,
        ],
    );
    let tools: Vec<_> =
        summary.tools.iter().map(|t| (t.id.as_deref().unwrap(), t.name.as_str(), t.input.as_str())).collect();
    assert_eq!(tools, [("a", "read", r#"{"p":1}"#), ("b", "write", "x"), ("c", "list", "")]);
    assert_eq!(summary.response_id.as_deref(), Some("c1"));
}

#[test]
fn assembles_tool_calls_without_distinct_indexes() {
    for (first, second) in [(r#""index":0,"#, r#""index":0,"#), ("", "")] {
        let chunk = |index: &str, id: &str| {
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"n","arguments":"{{}}"}}}}]}}}}]}}"#
            )
        };
        let (_, summary) = observe(true, &[&chunk(first, "a"), &chunk(second, "b")]);
        let ids: Vec<_> =
            summary.tools.iter().map(|t| (t.id.as_deref().unwrap(), t.input.as_str())).collect();
        assert_eq!(ids, [("a", "{}"), ("b", "{}")]);
    }
}

#[test]
fn reads_usage_in_every_format() {
    let usage = r#"{"prompt_tokens":3,"completion_tokens":4}"#;
    for chunk in [
        format!(r#"{{"choices":[{{"delta":{{}}}}],"usage":{usage}}}"#),
        format!(r#"{{"choices":[{{"delta":{{}},"usage":{usage}}}]}}"#),
        format!(r#"{{"choices":[{{"delta":{{}},"usage":{usage}}}],"usage":null}}"#),
        format!(r#"{{"choices":[],"x_groq":{{"id":"req","usage":{usage}}}}}"#),
        format!(r#"{{"type":"message_start","message":{{"usage":{usage}}}}}"#),
        format!("{{\"x\":NaN,\"choices\":[{{\"delta\":{{\"content\":\"\u{1}\"}}}}],\"usage\":{usage}}}\0"),
    ] {
        let first = r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"x"}}]}"#;
        let (_, summary) = observe(true, &[first, &chunk]);
        assert_eq!(summary.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)), "{chunk}");
    }
}

#[test]
fn keeps_the_last_usage_and_joins_reasoning() {
    let (_, summary) = observe(
        true,
        &[
            r#"{"choices":[{"delta":{"reasoning":"let "}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"reasoning":"me see"}}],"usage":{"prompt_tokens":2}}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"choices":[],"usage":{}}"#,
        ],
    );
    assert_eq!(summary.usage.unwrap().input, 2);
    assert_eq!(summary.reasoning.len(), 1);
    assert_eq!(
        (summary.reasoning[0].source, &*summary.reasoning[0].text),
        (ReasoningSource::Thinking, "let me see")
    );
}

#[test]
fn detects_how_a_stream_ended() {
    let first = r#"{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#;
    let delta = r#"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}"#;
    let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let second = r#"{"choices":[{"index":1,"delta":{"content":"y"},"finish_reason":null}]}"#;
    let second_finish = r#"{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}"#;
    let odd = |reason: &str| format!(r#"{{"choices":[{{"index":0,"finish_reason":{reason}}}]}}"#);
    let [empty, null, failed, unknown] =
        [r#""""#, r#""null""#, r#""error""#, r#""from the future""#].map(odd);
    let error = r#"{"error":{"message":"x","type":"server_error"}}"#;
    let falsy = r#"{"error":"","choices":[]}"#;
    let table: &[(&[&str], Ending)] = &[
        (&[], Ending::Missing),
        (&[first], Ending::Missing),
        (&[first, delta], Ending::Missing),
        (&[first, delta, finish], Ending::Complete),
        (&[first, delta, finish, delta], Ending::Complete),
        (&[first, delta, &empty, &null], Ending::Missing),
        (&[first, delta, &unknown], Ending::Complete),
        (&[first, delta, falsy, finish], Ending::Complete),
        (&[first, second, finish], Ending::Missing),
        (&[first, finish, second], Ending::Missing),
        (&[first, delta, second_finish], Ending::Missing),
        (&[r#"{"id":"c1","choices":[]}"#, delta, second, second_finish], Ending::Missing),
        (&[first, second, finish, second_finish], Ending::Complete),
        (&[first, second, "[DONE]"], Ending::Complete),
        (&[first, "[DONE]\0\0"], Ending::Complete),
        (&[r#"{"id":"c1","choices":[]}"#, second, r#"{"choices":[]}"#, second_finish], Ending::Complete),
        (&[first, delta, error], Ending::Failed),
        (&[first, finish, error, finish, "[DONE]"], Ending::Failed),
        (&[first, &failed, "[DONE]"], Ending::Failed),
        (&[first, r#"{"choices":[{"index":0,"error":{"code":502}}]}"#, "[DONE]"], Ending::Failed),
        (&[first, r#"{"object":"error","message":"engine dead"}"#, "[DONE]"], Ending::Failed),
        (&[r#"[{"error":{"code":503}}]"#], Ending::Failed),
        (&[first, r#"[{"error":{"code":503}}]"#, "[DONE]"], Ending::Failed),
    ];
    for (stream, expected) in table {
        assert_eq!(observe(true, stream).1.ending, *expected, "{stream:?}");
    }
}

#[test]
fn an_event_named_error_is_a_failure() {
    let mut streaming = Streaming::new(true);
    streaming.event(&event(r#"{"id":"c1","choices":[]}"#));
    streaming.event(&Event::from(Bytes::from_static(b"event: error\ndata: {\"message\":\"busy\"}\n\n")));
    streaming.event(&event("[DONE]"));
    assert_eq!(streaming.finish().ending, Ending::Failed);
    let mut streaming = Streaming::new(true);
    streaming.event(&Event::from(Bytes::from_static(b"event: error\n\n")));
    streaming.event(&event("[DONE]"));
    assert_eq!(streaming.finish().ending, Ending::Failed, "without data");
}

#[test]
fn reads_the_chunks_after_an_error() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let error =
        r#"{"error":{"code":502},"choices":[{"delta":{"tool_calls":[{"id":"t","function":{"name":"x"}}]}}]}"#;
    let (actions, summary) = observe(true, &[error, usage, "[DONE]"]);
    assert_eq!(actions, [EventAction::Relay, EventAction::Withhold, EventAction::Terminal]);
    assert_eq!((summary.ending, summary.tools.len()), (Ending::Failed, 1));
    assert_eq!(summary.usage.map(|usage| usage.output), Some(2));
}

#[test]
fn counts_generated_characters_in_all_chunks() {
    let (_, summary) = observe(
        true,
        &[
            r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"äbc"}}]}"#,
            r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"äbc"}}]}"#,
            r#"{"id":"c1","choices":[{"index":0,"delta":{"reasoning":"hm"}}]}"#,
        ],
    );
    assert_eq!(summary.characters, 8);
    assert_eq!(summary.limit_tokens(), (2, true));
    let counted = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    assert_eq!(observe(true, &[counted]).1.limit_tokens(), (3, false));
}

#[test]
fn truncates_endless_reasoning() {
    let piece = "ä".repeat(1 << 19);
    let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{{"reasoning_content":"x{piece}"}}}}]}}"#);
    let mut streaming = Streaming::new(true);
    for _ in 0..12 {
        streaming.event(&event(&chunk));
    }
    let summary = streaming.finish();
    assert_eq!(summary.reasoning.len(), 1);
    assert!(summary.reasoning[0].truncated);
    assert!((MAX_EXTRACTED_BYTES - 100..=MAX_EXTRACTED_BYTES).contains(&summary.reasoning[0].text.len()));
    assert!(summary.reasoning[0].text.capacity() <= 2 * MAX_EXTRACTED_BYTES);
}

#[test]
fn tracks_a_bounded_number_of_choices() {
    let mut streaming = Streaming::new(true);
    for index in 0..20_000 {
        let chunk = format!(
            r#"{{"choices":[{{"index":{index},"delta":{{"reasoning":"x"}},"finish_reason":"stop"}}]}}"#
        );
        streaming.event(&event(&chunk));
    }
    let summary = streaming.finish();
    assert_eq!((summary.reasoning.len(), summary.ending), (1024, Ending::Missing));
}
