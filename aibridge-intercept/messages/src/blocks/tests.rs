//! Tests of content blocks.

use super::*;
use aibridge_intercept::budget::MAX_EXTRACTED_BYTES;

/// Reads `events`: each is an index, or `null`, and a block or a delta.
fn read(events: &[(&str, &str)]) -> Blocks {
    let mut blocks = Blocks::default();
    for (index, json) in events {
        let (index, json) = (Json::parse(index.as_bytes()), Json::parse(json.as_bytes()).unwrap());
        if json.member("type").is_some_and(|kind| kind.string().unwrap().ends_with("_delta")) {
            blocks.delta(index, json);
        } else {
            blocks.start(index, json);
        }
    }
    blocks
}

fn tools(events: &[(&str, &str)]) -> Vec<(String, String)> {
    read(events).finish().0.into_iter().map(|call| (call.name, call.input)).collect()
}

fn reasoning(events: &[(&str, &str)]) -> Vec<String> {
    read(events).finish().1.into_iter().map(|text| text.text).collect()
}

const READ: &str = r#"{"type":"tool_use","id":"t1","name":"read","input":{}}"#;
const LIST: &str = r#"{"type":"tool_use","id":"t2","name":"list","input":{}}"#;

fn piece(text: &str) -> String {
    format!(r#"{{"type":"input_json_delta","partial_json":{}}}"#, serde_json::Value::from(text))
}

#[test]
fn input_comes_in_deltas_or_at_the_start() {
    let whole = r#"{"type":"tool_use","id":"t1","name":"read","input":{"p":1.0}}"#;
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("0", READ), ("0", &piece("{\"p\"")), ("0", &piece(":1}"))], "{\"p\":1}"),
        (&[("0", READ), ("0", &piece("")), ("0", &piece(""))], "{}"),
        (&[("0", READ)], "{}"),
        (&[("0", whole)], "{\"p\":1.0}"),
        (&[("0", whole), ("0", &piece(""))], "{\"p\":1.0}"),
        (&[("0", whole), ("0", &piece("{\"q\":2}"))], "{\"q\":2}"),
        (&[("0", READ), ("0", &piece("{\"p\": [1,"))], "{\"p\": [1,"),
        (&[("0", READ), ("0", r#"{"type":"input_json_delta","partial_json":{"p":1}}"#)], "{\"p\":1}"),
        (&[("0", READ), ("0", r#"{"type":"input_json_delta","partial_json":"{}"}"#)], "{}"),
        (&[("0", r#"{"type":"tool_use","name":"read"}"#)], "{}"),
        (&[("0", r#"{"type":"tool_use","name":"read","input":null}"#)], "{}"),
    ];
    for (events, expected) in table {
        assert_eq!(tools(events), [("read".to_owned(), (*expected).to_owned())], "{events:?}");
    }
}

#[test]
fn deltas_belong_to_their_index() {
    let (one, two) = (piece("[1]"), piece("[2]"));
    let expected = [("read".to_owned(), "[1]".to_owned()), ("list".to_owned(), "[2]".to_owned())];
    for events in [
        [("0", READ), ("1", LIST), ("1", &*two), ("0", &*one)],
        [("7", READ), ("3", LIST), ("3", &*two), ("7", &*one)],
        [("\"7\"", READ), ("3", LIST), ("3", &*two), ("7", &*one)],
        [("null", READ), ("null", &*one), ("null", LIST), ("null", &*two)],
        [("0", READ), ("0", &*one), ("0", LIST), ("0", &*two)],
    ] {
        assert_eq!(tools(&events), expected, "{events:?}");
    }
    let text = r#"{"type":"text","text":""}"#;
    assert_eq!(tools(&[("0", READ), ("0", text), ("0", &one)]), [("read".to_owned(), "{}".to_owned())]);
    assert!(tools(&[("0", &one), ("1", r#"{"type":"later","partial_json":"x"}"#)]).is_empty());
}

#[test]
fn a_known_id_continues_its_call() {
    let expected = [("read".to_owned(), "[1,2]".to_owned())];
    assert_eq!(tools(&[("0", READ), ("0", &piece("[1,")), ("1", READ), ("1", &piece("2]"))]), expected);
}

#[test]
fn each_thinking_block_is_one_text() {
    let block = |text: &str| format!(r#"{{"type":"thinking","thinking":"{text}","signature":""}}"#);
    let delta = |text: &str| format!(r#"{{"type":"thinking_delta","thinking":"{text}"}}"#);
    let signature = r#"{"type":"signature_delta","signature":"s"}"#;
    let table: &[(&[(&str, &str)], &[&str])] = &[
        (&[("0", &block("")), ("0", &delta("a")), ("0", &delta("b")), ("0", signature)], &["ab"]),
        (&[("0", &block("a")), ("1", &block("x")), ("0", &delta("b")), ("1", &delta("y"))], &["ab", "xy"]),
        (&[("0", &block("")), ("0", signature)], &[]),
        (&[("0", r#"{"type":"redacted_thinking","data":"x"}"#)], &[]),
        (&[("4", &delta("no ")), ("4", &delta("start"))], &["no start"]),
    ];
    for (events, expected) in table {
        assert_eq!(reasoning(events), *expected, "{events:?}");
    }
}

#[test]
fn content_is_bounded() {
    let long = format!(r#"{{"type":"thinking_delta","thinking":"{}"}}"#, "ä".repeat(MAX_EXTRACTED_BYTES / 2));
    let mut blocks = read(&[("0", r#"{"type":"thinking"}"#), ("0", &long), ("1", &long), ("2", &long)]);
    let (_, reasoning) = blocks.finish();
    assert_eq!((reasoning.len(), reasoning[0].truncated), (1, true));
    assert!(reasoning[0].text.len() <= MAX_EXTRACTED_BYTES);

    let mut blocks = Blocks::default();
    for index in 0..300_000 {
        let start = format!(r#"{{"type":"tool_use","id":"{index}","name":"n","input":{{"a":"{index}"}}}}"#);
        let (index, text) = (index.to_string(), r#"{"type":"text"}"#);
        blocks.start(Json::parse(index.as_bytes()), Json::parse(start.as_bytes()).unwrap());
        blocks.start(None, Json::parse(text.as_bytes()).unwrap());
    }
    assert!(blocks.by_index.len() < 150_000 && blocks.initial_inputs.len() == blocks.by_id.len());
    let (tools, _) = blocks.finish();
    assert!(tools.last().unwrap().truncated && !tools[0].truncated);
}

#[test]
fn counts_generated_characters() {
    let events = [
        ("0", r#"{"type":"text","text":"ab"}"#),
        ("0", r#"{"type":"text_delta","text":"äb"}"#),
        ("1", READ),
        ("1", r#"{"type":"input_json_delta","partial_json":"{\"a\":1}"}"#),
        ("2", r#"{"type":"thinking","thinking":"hm"}"#),
    ];
    assert_eq!(read(&events).characters(), 2 + 2 + 7 + 2);
}
