//! Tests of the stream reader.

use super::*;

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","model":"claude-x","content":[],"usage":{"input_tokens":9,"cache_read_input_tokens":5,"output_tokens":1}}}"#;
const TEXT_DELTA: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#;
const DELTA_END: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const ERROR: &str = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;

/// Reads events. The name of each is its type.
fn observe(stream: &[&str]) -> (Vec<EventAction>, ResponseSummary) {
    let mut streaming = Streaming::default();
    let actions = stream.iter().map(|data| streaming.event(&event("", data))).collect();
    (actions, streaming.finish())
}

fn event(name: &str, data: &str) -> Event {
    let name = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
    Event::from(Bytes::from(format!("{name}data: {data}\n\n")))
}

#[test]
fn a_stream_ends_with_message_stop() {
    let table: &[(&[&str], Ending, EventAction)] = &[
        (&[START, TEXT_DELTA, DELTA_END, STOP], Ending::Complete, EventAction::Terminal),
        (&[START, TEXT_DELTA, DELTA_END], Ending::Missing, EventAction::Relay),
        (&[START, TEXT_DELTA, "[DONE]"], Ending::Missing, EventAction::Relay),
        (&[STOP], Ending::Complete, EventAction::Terminal),
        (&[ERROR], Ending::Failed, EventAction::Relay),
        (&[START, ERROR, STOP], Ending::Failed, EventAction::Terminal),
        (&[START, r#"{"type":"error"}"#], Ending::Failed, EventAction::Relay),
        (&[START, r#"{"type":"ping","error":{}}"#, STOP], Ending::Complete, EventAction::Terminal),
        (&[START, r#"[{"error":{"code":503}}]"#, STOP], Ending::Failed, EventAction::Terminal),
        (
            &[START, r#"{"type":"message_delta","delta":{"stop_reason":"error"}}"#, STOP],
            Ending::Failed,
            EventAction::Terminal,
        ),
        (&[START, "half an ev", STOP], Ending::Complete, EventAction::Terminal),
        (&[], Ending::Missing, EventAction::Relay),
    ];
    for (stream, ending, action) in table {
        let (actions, summary) = observe(stream);
        assert_eq!(
            (summary.ending, actions.last().unwrap_or(&EventAction::Relay)),
            (*ending, action),
            "{stream:?}"
        );
    }
}

#[test]
fn the_name_of_an_event_replaces_a_missing_type() {
    let mut streaming = Streaming::default();
    assert_eq!(streaming.event(&event("ping", r#"{"type":"ping"}"#)), EventAction::Relay);
    assert_eq!(streaming.event(&event("message_stop", "{}")), EventAction::Terminal);
    assert!(!streaming.has_failed());
    assert_eq!(streaming.event(&event("error", "overloaded")), EventAction::Relay);
    assert!(streaming.has_failed());
    let mut streaming = Streaming::default();
    streaming.event(&Event::from(Bytes::from_static(b": ping\n\n")));
    assert!(!streaming.has_failed());
    streaming.event(&Event::from(Bytes::from_static(b"event: error\n\n")));
    assert!(streaming.has_failed());
}

#[test]
fn reads_id_model_and_usage_from_wherever_they_are() {
    let (_, summary) = observe(&[START, TEXT_DELTA, DELTA_END, STOP]);
    assert_eq!((summary.response_id.as_deref(), summary.model.as_deref()), (Some("msg_1"), Some("claude-x")));
    let usage = summary.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.cache_read), (9, 7, 5));
    for odd in [
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}}"#,
        r#"{"type":"message_stop","usage":{"input_tokens":3,"output_tokens":4}}"#,
        r#"{"type":"message_stop","message":{"usage":{"input_tokens":3,"output_tokens":4}}}"#,
        r#"{"type":"ping","usage":{"input_tokens":3,"output_tokens":4}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"usage":{"input_tokens":3,"output_tokens":4}}"#,
        r#"{"type":"error","error":{"message":"x"},"usage":{"input_tokens":3,"output_tokens":4}}"#,
        r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#,
    ] {
        let (_, summary) =
            observe(&[TEXT_DELTA, odd, r#"{"type":"message_delta","usage":{"output_tokens":0}}"#]);
        assert_eq!(summary.usage.map(|usage| (usage.input, usage.output)), Some((3, 4)), "{odd}");
    }
}

#[test]
fn blocks_arrive_in_any_order_and_break_off() {
    let (_, summary) = observe(&[
        START,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"read","input":{}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"p\":"}}"#,
        r#"{"type":"content_block_start","index":9,"content_block":{"type":"unheard_of","usage":1}}"#,
        r#"{"type":"content_block_delta","index":9,"delta":{"type":"unheard_of_delta","x":1}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"unheard_of_event"}"#,
    ]);
    assert_eq!(summary.tools[0].input, "{\"p\":");
    assert_eq!(summary.reasoning[0].text, "hm");
    assert_eq!((summary.ending, summary.characters), (Ending::Missing, 5 + 2));
}

#[test]
fn counts_text_that_is_not_parsed() {
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"äbcd"}}"#;
    assert_eq!(observe(&[delta, delta]).1.limit_tokens(), (2, true));
}

#[test]
fn an_error_of_the_gateway_is_an_error_event() {
    let event = Streaming::default().error_event(&Error::UpstreamDisconnected);
    assert_eq!(
        event,
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the connection to the \
         provider broke before its response was complete\"}}\n\n"
    );
    assert!(is_named_error(&Event::from(event)));
}
