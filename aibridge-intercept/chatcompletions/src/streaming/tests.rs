use super::*;
use aibridge_intercept::budget::MAX_EXTRACTED_BYTES;
use aibridge_intercept::observer::Ending;
use aibridge_recorder::ThoughtSource;
use bytes::Bytes;

fn event(data: &str) -> Event {
    Event::from(Bytes::from(format!("data: {data}\n\n")))
}

fn observe(withhold_usage: bool, stream: &[&str]) -> (Vec<EventAction>, ResponseSummary) {
    let mut streaming = Streaming::new(withhold_usage);
    let verdicts = stream.iter().map(|data| streaming.event(&event(data))).collect();
    (verdicts, streaming.finish())
}

#[test]
fn only_the_usage_chunk_that_nobody_asked_for_is_withheld() {
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
        let asked_for = if *expected == EventAction::Withhold { EventAction::Relay } else { *expected };
        assert_eq!(observe(false, &[data]).0, [asked_for], "{data}");
    }
    assert_eq!(
        Streaming::new(true).event(&Event::from(Bytes::from_static(b": ping\n\n"))),
        EventAction::Relay
    );
}

#[test]
fn tool_calls_are_put_together_per_choice_and_index() {
    let (_, learnt) = observe(
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
        learnt.tools.iter().map(|t| (t.id.as_deref().unwrap(), t.name.as_str(), t.input.as_str())).collect();
    assert_eq!(tools, [("a", "read", r#"{"p":1}"#), ("b", "write", "x"), ("c", "list", "")]);
    assert_eq!(learnt.response_id.as_deref(), Some("c1"));
}

#[test]
fn providers_that_do_not_number_their_calls_are_understood() {
    for (first, second) in [(r#""index":0,"#, r#""index":0,"#), ("", "")] {
        let chunk = |index: &str, id: &str| {
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"n","arguments":"{{}}"}}}}]}}}}]}}"#
            )
        };
        let (_, learnt) = observe(true, &[&chunk(first, "a"), &chunk(second, "b")]);
        let ids: Vec<_> = learnt.tools.iter().map(|t| (t.id.as_deref().unwrap(), t.input.as_str())).collect();
        assert_eq!(ids, [("a", "{}"), ("b", "{}")]);
    }
}

#[test]
fn usage_is_read_wherever_it_stands() {
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
        let (_, learnt) = observe(true, &[first, &chunk]);
        assert_eq!(learnt.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)), "{chunk}");
    }
}

#[test]
fn the_last_usage_counts_and_thoughts_are_joined() {
    let (_, learnt) = observe(
        true,
        &[
            r#"{"choices":[{"delta":{"reasoning":"let "}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"reasoning":"me see"}}],"usage":{"prompt_tokens":2}}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"choices":[],"usage":{}}"#,
        ],
    );
    assert_eq!(learnt.usage.unwrap().input, 2);
    assert_eq!(learnt.reasoning.len(), 1);
    assert_eq!(
        (learnt.reasoning[0].source, &*learnt.reasoning[0].text),
        (ThoughtSource::Thinking, "let me see")
    );
}

#[test]
fn how_a_stream_ended() {
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
fn an_event_named_error_is_one() {
    let mut streaming = Streaming::new(true);
    streaming.event(&event(r#"{"id":"c1","choices":[]}"#));
    streaming.event(&Event::from(Bytes::from_static(b"event: error\ndata: {\"message\":\"busy\"}\n\n")));
    streaming.event(&event("[DONE]"));
    assert_eq!(streaming.finish().ending, Ending::Failed);
}

#[test]
fn what_follows_an_error_is_read() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let error =
        r#"{"error":{"code":502},"choices":[{"delta":{"tool_calls":[{"id":"t","function":{"name":"x"}}]}}]}"#;
    let (verdicts, learnt) = observe(true, &[error, usage, "[DONE]"]);
    assert_eq!(verdicts, [EventAction::Relay, EventAction::Withhold, EventAction::Terminal]);
    assert_eq!((learnt.ending, learnt.tools.len()), (Ending::Failed, 1));
    assert_eq!(learnt.usage.map(|usage| usage.output), Some(2));
}

#[test]
fn generated_characters_are_counted_whether_a_chunk_is_read_or_not() {
    let (_, learnt) = observe(
        true,
        &[
            r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"äbc"}}]}"#,
            r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"äbc"}}]}"#,
            r#"{"id":"c1","choices":[{"index":0,"delta":{"reasoning":"hm"}}]}"#,
        ],
    );
    assert_eq!(learnt.characters, 8);
    assert_eq!(learnt.limit_tokens(), (2, true));
    let counted = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    assert_eq!(observe(true, &[counted]).1.limit_tokens(), (3, false));
}

#[test]
fn reasoning_without_end_is_cut() {
    let piece = "ä".repeat(1 << 19);
    let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{{"reasoning_content":"x{piece}"}}}}]}}"#);
    let mut streaming = Streaming::new(true);
    for _ in 0..12 {
        streaming.event(&event(&chunk));
    }
    let learnt = streaming.finish();
    assert_eq!(learnt.reasoning.len(), 1);
    assert!(learnt.reasoning[0].truncated);
    assert!((MAX_EXTRACTED_BYTES - 100..=MAX_EXTRACTED_BYTES).contains(&learnt.reasoning[0].text.len()));
    assert!(learnt.reasoning[0].text.capacity() <= 2 * MAX_EXTRACTED_BYTES);
}

#[test]
fn choices_without_end_are_not_told_apart() {
    let mut streaming = Streaming::new(true);
    for index in 0..20_000 {
        let chunk = format!(
            r#"{{"choices":[{{"index":{index},"delta":{{"reasoning":"x"}},"finish_reason":"stop"}}]}}"#
        );
        streaming.event(&event(&chunk));
    }
    let learnt = streaming.finish();
    assert_eq!((learnt.reasoning.len(), learnt.ending), (1024, Ending::Missing));
}
