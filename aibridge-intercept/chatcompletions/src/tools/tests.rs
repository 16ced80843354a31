//! Tests of the assembly of tool calls.

use super::*;
use aibridge_intercept::budget::MAX_EXTRACTED_BYTES;

/// The id, name and input of the calls that are assembled from the entries of choice 0.
fn calls(entries: &[&str]) -> Vec<(String, String, String)> {
    let mut tools = ToolCalls::default();
    for entry in entries {
        tools.add_piece(0, Json::parse(entry.as_bytes()).unwrap());
    }
    let calls = tools.finish().into_iter();
    calls.map(|call| (call.id.unwrap_or_default(), call.name, call.input)).collect()
}

#[test]
fn entries_start_calls_or_continue_them() {
    let table: &[(&str, &[&str], &[(&str, &str, &str)])] = &[
        (
            "a repeated id continues its call, whatever the index",
            &[
                r#"{"index":0,"id":"a","function":{"name":"x","arguments":"1"}}"#,
                r#"{"index":1,"id":"b","function":{"name":"y","arguments":"2"}}"#,
                r#"{"index":1,"id":"a","function":{"arguments":"3"}}"#,
                r#"{"id":"b","function":{"name":"y","arguments":"4"}}"#,
            ],
            &[("a", "x", "13"), ("b", "y", "24")],
        ),
        (
            "a new id with a name starts a call",
            &[
                r#"{"index":0,"id":"a","function":{"name":"x"}}"#,
                r#"{"index":0,"id":"b","function":{"name":"y"}}"#,
                r#"{"index":0,"function":{"arguments":"1"}}"#,
            ],
            &[("a", "x", ""), ("b", "y", "1")],
        ),
        (
            "without an id, a name starts a call if the previous call has arguments",
            &[
                r#"{"index":0,"function":{"name":"x","arguments":""}}"#,
                r#"{"index":0,"id":"","function":{"name":"x","arguments":"1"}}"#,
                r#"{"index":0,"function":{"name":"y","arguments":"2"}}"#,
                r#"{"index":1,"id":null,"function":{"name":"z","arguments":"3"}}"#,
            ],
            &[("", "x", "1"), ("", "y", "2"), ("", "z", "3")],
        ),
        (
            "anything else continues the call of its index",
            &[
                r#"{"index":0,"function":{"name":"x"}}"#,
                r#"{"index":1,"id":"b","function":{"name":"y"}}"#,
                r#"{"index":0,"id":"a","function":{"arguments":"1"}}"#,
                r#"{"index":"0","function":{"arguments":"2"}}"#,
                r#"{"index":0,"id":"other","function":{"arguments":"3"}}"#,
                r#"{"index":0.0,"function":{"arguments":"4"}}"#,
            ],
            &[("a", "x", "1234"), ("b", "y", "")],
        ),
        (
            "without an index, the latest call",
            &[
                r#"{"id":"a","function":{"name":"x"}}"#,
                r#"{"id":"b","function":{"name":"y"}}"#,
                r#"{"function":{"arguments":"1"}}"#,
                r#"{"index":0,"function":{"arguments":"2"}}"#,
            ],
            &[("a", "x", "2"), ("b", "y", "1")],
        ),
        (
            "an id may come before its name",
            &[r#"{"index":0,"id":"a"}"#, r#"{"index":0,"id":"a","function":{"name":"x","arguments":"1"}}"#],
            &[("a", "x", "1")],
        ),
        (
            "an empty entry is no call",
            &["null", "5", "[]", "{}", r#"{"index":0}"#, r#"{"index":0,"function":{"arguments":""}}"#],
            &[],
        ),
        (
            "arguments may be an object, and the function left out",
            &[
                r#"{"index":0,"function":{"name":"x","arguments":{"p": 1.0}}}"#,
                r#"{"index":1,"name":"y","arguments":"1"}"#,
            ],
            &[("", "x", r#"{"p": 1.0}"#), ("", "y", "1")],
        ),
        (
            "the input of a custom tool is a string, even if it looks like JSON",
            &[
                r#"{"index":0,"id":"a","custom":{"name":"x","input":"{\"a\""}}"#,
                r#"{"index":0,"custom":{"input":":1}"}}"#,
                r#"{"index":1,"id":"b","custom":{"name":"y"}}"#,
            ],
            &[("a", "x", r#""{\"a\":1}""#), ("b", "y", r#""""#)],
        ),
    ];
    for (rule, entries, expected) in table {
        let actual = calls(entries);
        let actual: Vec<_> = actual.iter().map(|(id, name, input)| (&**id, &**name, &**input)).collect();
        assert_eq!(actual, *expected, "{rule}");
    }
}

#[test]
fn each_choice_has_its_own_calls() {
    let mut tools = ToolCalls::default();
    let entry = |text: &'static str| Json::parse(text.as_bytes()).unwrap();
    for choice in [0, 1] {
        tools.add_piece(choice, entry(r#"{"index":0,"id":"a","function":{"name":"x","arguments":"1"}}"#));
        tools.add_legacy(choice, entry(r#"{"name":"old","arguments":"{"}"#));
    }
    tools.add_piece(1, entry(r#"{"id":"a","function":{"arguments":"2"}}"#));
    tools.add_legacy(0, entry(r#"{"name":"old","arguments":"}"}"#));
    tools.add_legacy(0, entry("null"));
    let inputs: Vec<_> = tools.finish().into_iter().map(|call| call.input).collect();
    assert_eq!(inputs, ["1", "{}", "12", "{"]);
}

#[test]
fn finds_calls_among_a_hundred_thousand() {
    let ids: Vec<_> = (0..100_000)
        .map(|number| {
            format!(r#"{{"index":{number},"id":"{number}","function":{{"name":"x","arguments":"{{}}"}}}}"#)
        })
        .collect();
    let mut entries: Vec<_> = ids.iter().map(String::as_str).collect();
    entries.push(&ids[77_777]);
    let calls = calls(&entries);
    assert_eq!(calls.len(), 100_000);
    assert_eq!(calls[77_777], ("77777".to_owned(), "x".to_owned(), "{}{}".to_owned()));
}

#[test]
fn truncates_what_exceeds_the_budget() {
    let long = "ä".repeat(1 << 20);
    let named = format!(r#"{{"index":0,"id":"a","function":{{"name":"x","arguments":"{long}"}}}}"#);
    let more = format!(r#"{{"index":0,"function":{{"arguments":"{long}"}}}}"#);
    let mut tools = ToolCalls::default();
    tools.add_piece(0, Json::parse(named.as_bytes()).unwrap());
    for _ in 0..6 {
        tools.add_piece(0, Json::parse(more.as_bytes()).unwrap());
    }
    let another = r#"{"index":1,"id":"b","function":{"name":"y","arguments":"{}"}}"#;
    tools.add_piece(0, Json::parse(another.as_bytes()).unwrap());
    let calls = tools.finish();
    assert_eq!((calls.len(), calls[0].truncated), (2, true));
    assert_eq!((calls[1].name.as_str(), calls[1].input.as_str(), calls[1].truncated), ("y", "", true));
    assert!((MAX_EXTRACTED_BYTES - 100..=MAX_EXTRACTED_BYTES).contains(&calls[0].input.len()));

    let mut tools = ToolCalls::default();
    for number in 0..150_000 {
        let entry = format!(r#"{{"index":{number},"id":"{number}","function":{{"name":"x"}}}}"#);
        tools.add_piece(0, Json::parse(entry.as_bytes()).unwrap());
    }
    let calls = tools.finish();
    assert!((100_000..150_000).contains(&calls.len()), "{}", calls.len());
    assert!(calls.last().is_some_and(|last| last.truncated));
    assert!(!calls[0].truncated);
}
