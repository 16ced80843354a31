use super::*;
use bytes::Bytes;

fn event(data: &str) -> Event {
    Event::from(Bytes::from(format!("data: {data}\n\n")))
}

fn observe(withhold_usage: bool, stream: &[&str]) -> (Vec<Verdict>, Learnt) {
    let mut streaming = Streaming::new(withhold_usage);
    let verdicts = stream.iter().map(|data| streaming.event(&event(data))).collect();
    (verdicts, streaming.finish())
}

#[test]
fn only_the_usage_chunk_that_nobody_asked_for_is_withheld() {
    let usage = r#"{"prompt_tokens":1,"completion_tokens":2}"#;
    let table = [
        (format!(r#"{{"choices":[],"usage":{usage}}}"#), Verdict::Withhold),
        (format!(r#"{{"usage":{usage},"choices":[ ]}}"#), Verdict::Withhold),
        (format!(r#"{{"choices":[{{"delta":{{}}}}],"usage":{usage}}}"#), Verdict::Relay),
        (format!(r#"{{"usage":{usage}}}"#), Verdict::Relay),
        (format!(r#"{{"choices":null,"usage":{usage}}}"#), Verdict::Relay),
        (r#"{"choices":[],"usage":null}"#.into(), Verdict::Relay),
        (r#"{"choices":[]}"#.into(), Verdict::Relay),
        (r#"{"choices":[],"prompt_filter_results":[]}"#.into(), Verdict::Relay),
        ("no json".into(), Verdict::Relay),
        (r#"{"error":{"message":"x"},"choices":[],"usage":{}}"#.into(), Verdict::Terminal),
        ("[DONE]".into(), Verdict::Terminal),
    ];
    for (data, expected) in &table {
        assert_eq!(observe(true, &[data]).0, [*expected], "{data}");
        let asked_for = if *expected == Verdict::Withhold { Verdict::Relay } else { *expected };
        assert_eq!(observe(false, &[data]).0, [asked_for], "{data}");
    }
    assert_eq!(Streaming::new(true).event(&Event::from(Bytes::from_static(b": ping\n\n"))), Verdict::Relay);
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
fn the_last_usage_counts_and_thoughts_are_joined() {
    let (_, learnt) = observe(
        true,
        &[
            r#"{"choices":[{"delta":{"reasoning":"let "}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"reasoning":"me see"}}],"usage":{"prompt_tokens":2}}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        ],
    );
    assert_eq!(learnt.usage.unwrap().input, 2);
    assert_eq!(learnt.thoughts, [(ThoughtSource::Thinking, "let me see".to_owned())]);
}

#[test]
fn how_a_stream_ended() {
    let delta = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":null}]}"#;
    let finish = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let error = r#"{"error":{"message":"x","type":"server_error"}}"#;
    let table: &[(&[&str], Ending)] = &[
        (&[], Ending::Missing),
        (&[delta], Ending::Missing),
        (&[delta, finish], Ending::Complete),
        (&[delta, "[DONE]"], Ending::Complete),
        (&[delta, error], Ending::Failed),
        (&[finish, error], Ending::Failed),
    ];
    for (stream, expected) in table {
        assert_eq!(observe(true, stream).1.ending, *expected, "{stream:?}");
    }
}
