//! Unusual but valid JSON bodies: forwarded unchanged, and read as a provider would read them.

use super::{RESPONSES, gateway};
use crate::endpoints::CHAT;
use crate::harness::Harness;
use aibridge_testkit::{RawClient, Row, ScriptedProvider};

/// Sends `body`, which must reach the provider as `sent`. Returns the recorded interception and prompt.
async fn relay(
    (provider, gateway): (&ScriptedProvider, &Harness),
    target: &str,
    body: &str,
    sent: &str,
) -> (Row, Option<String>) {
    let response = RawClient::post(gateway.address, target, &[], body).await;
    assert_eq!(response.status(), 200, "{target} {body:.60}");
    let received = provider.received().pop().unwrap().body;
    assert!(received == sent, "{target} {body:.60}: {:.200}", String::from_utf8_lossy(&received));
    let id = response.header("x-aibridge-interception-id").unwrap();
    let prompts = gateway.store.rows_of("aibridge_user_prompts", id);
    let prompt = prompts.first().map(|row| row["prompt"].as_str().unwrap().to_owned());
    (gateway.store.interception(id).unwrap(), prompt)
}

#[tokio::test]
async fn deeply_nested_json_is_accepted_everywhere() {
    let (provider, gateway) = gateway().await;
    let wire = (&provider, &gateway);
    let arrays = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    for deep in [&arrays, &objects] {
        for member in ["x", "model", "stream", "stream_options", "metadata", "messages", "input"] {
            let body = format!(r#"{{"{member}":{deep}}}"#);
            for target in [CHAT.target, RESPONSES] {
                relay(wire, target, &body, &body).await;
            }
        }
        let last = format!(r#"{{"messages":[{deep},{{"x":{deep},"role":"user","content":"hi"}}]}}"#);
        let (_, prompt) = relay(wire, CHAT.target, &last, &last).await;
        assert_eq!(prompt.as_deref(), Some("hi"));
        let parts = format!(
            r#"{{"input":[{deep},{{"role":"user","content":[{deep},{{"type":"input_text","text":"hi","x":{deep}}}]}}]}}"#
        );
        let (_, prompt) = relay(wire, RESPONSES, &parts, &parts).await;
        assert_eq!(prompt.as_deref(), Some("hi"));
        let options = format!(r#"{{"stream":true,"stream_options":{{"x":{deep}}}}}"#);
        let edited = options.replace(r#"{"x":"#, r#"{"include_usage":true,"x":"#);
        relay(wire, CHAT.target, &options, &edited).await;
    }
}

#[tokio::test]
async fn invalid_characters_are_replaced_in_records_and_forwarded_unchanged() {
    let (provider, gateway) = gateway().await;
    let wire = (&provider, &gateway);
    let odd = r"a\u0000b \ud800 \udfff\ud83d \ud83d\ude00";
    let stored = "a\u{fffd}b \u{fffd} \u{fffd}\u{fffd} 😀";
    let body = format!(
        r#"{{"model":"{odd}","\ud800{odd}":1,"metadata":{{"user_id":"u_session_{odd}"}},"messages":[{{"role":"user","content":"{odd}"}}]}}"#
    );
    let (row, prompt) = relay(wire, CHAT.target, &body, &body).await;
    assert_eq!((row["model"].as_str(), prompt.as_deref()), (Some(stored), Some(stored)));
    let body = format!(r#"{{"model":"{odd}","input":"{odd}"}}"#);
    let (row, prompt) = relay(wire, RESPONSES, &body, &body).await;
    assert_eq!((row["model"].as_str(), prompt.as_deref()), (Some(stored), Some(stored)));
    let body = format!(r#"{{"messages":[{{"role":"tool","tool_call_id":"{odd}"}}]}}"#);
    let (row, _) = relay(wire, CHAT.target, &body, &body).await;
    assert_eq!(row["correlating_tool_call_id"], stored);
}

#[tokio::test]
async fn the_last_of_duplicate_members_is_read_and_all_are_forwarded() {
    let (provider, gateway) = gateway().await;
    let wire = (&provider, &gateway);
    let table = [
        // The last `stream` is false, so the body is not edited.
        (r#"{"stream":true,"stream":false,"model":"a","model":"b"}"#, None, Some("b")),
        (
            r#"{"stream":false,"model":"a","stream":true,"model":"b"}"#,
            Some(
                r#"{"stream_options":{"include_usage":true},"stream":false,"model":"a","stream":true,"model":"b"}"#,
            ),
            Some("b"),
        ),
        (
            r#"{"stream":true,"stream_options":{"include_usage":true},"stream_options":{"a":1}}"#,
            Some(
                r#"{"stream":true,"stream_options":{"include_usage":true},"stream_options":{"include_usage":true,"a":1}}"#,
            ),
            None,
        ),
        (
            r#"{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}"#,
            Some(r#"{"stream":true,"stream_options":{"include_usage":true,"include_usage":true}}"#),
            None,
        ),
        // An escaped name is equal to the unescaped one.
        (r#"{"model":"a","\u006dodel":"b"}"#, None, Some("b")),
    ];
    for (body, edited, model) in table {
        let (row, _) = relay(wire, CHAT.target, body, edited.unwrap_or(body)).await;
        assert_eq!(row["model"], model.unwrap_or("unknown"), "{body}");
    }
    let body = r#"{"messages":[{"role":"user","content":"first"}],"messages":[{"role":"user","content":"x","content":"last"}]}"#;
    let (_, prompt) = relay(wire, CHAT.target, body, body).await;
    assert_eq!(prompt.as_deref(), Some("last"));
}

#[tokio::test]
async fn numbers_whitespace_and_types_are_forwarded_unchanged() {
    let (provider, gateway) = gateway().await;
    let wire = (&provider, &gateway);
    let digits = format!(r#"{{"seed":{}.{}}}"#, "9".repeat(5_000), "1".repeat(5_000));
    for body in [
        digits.as_str(),
        "\r\n\t { \"a\" : 1e400 , \"b\":-0.0,\"c\":1E+2,\"d\":123456789012345678901234567890.10 }\n ",
        r#"{"model":5,"stream":"true","stream_options":7,"messages":{},"input":false,"metadata":[1]}"#,
        r#"{"model":null,"stream":null,"messages":null,"input":null,"metadata":null,"background":null}"#,
        r#"{"model":"","messages":[null,1,"x",[]],"input":[null,1,"x",[]]}"#,
        r#"{"":1,"é":"\u00e9\/\b","emoji":"😀","nested":{"a":[{},[],"",0]}}"#,
        "{}",
    ] {
        for target in [CHAT.target, RESPONSES, "/openai/v1/responses/compact"] {
            let (row, prompt) = relay(wire, target, body, body).await;
            assert_eq!(
                (&row["model"], &row["streaming"], prompt),
                (&"unknown".into(), &0.into(), None),
                "{body}"
            );
        }
    }
}
