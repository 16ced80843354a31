//! The content that is extracted from unusual requests and responses, in the store and at the client.

use crate::dialects::{CHAT, DIALECTS, Dialect, KEY, RESPONSES};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Response, Row, Script, ScriptedProvider};
use serde_json::{Value, json};

/// Sends `request` to a new gateway whose provider plays `script`. Returns the response and the gateway.
async fn call(target: &str, request: &str, script: Script) -> (Response, Harness) {
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    (RawClient::post(gateway.address, target, &[], request).await, gateway)
}

fn metadata(row: &Row) -> Value {
    serde_json::from_str(row["metadata"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn extracted_text_is_truncated_with_a_mark() {
    const PIECE: usize = 1 << 20;
    const AT_MOST: usize = 8 << 20;
    let piece = "x".repeat(PIECE);
    let delta =
        |delta: String| format!("data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
    let mut script = Script::sse_head();
    for _ in 0..10 {
        script = script.chunk(delta(format!("{{\"reasoning_content\":\"{piece}\"}}")));
        let call = format!(
            "{{\"index\":0,\"id\":\"t\",\"function\":{{\"name\":\"look\",\"arguments\":\"{piece}\"}}}}"
        );
        script = script.chunk(delta(format!("{{\"tool_calls\":[{call}]}}")));
    }
    let script = script.chunk("data: [DONE]\n\n").then(aibridge_testkit::Step::End);
    let (response, gateway) = call(CHAT.target, CHAT.stream, script).await;
    assert!(response.body.len() > 20 * PIECE, "all of it is relayed");
    let tool = &gateway.store.rows("aibridge_tool_usages")[0];
    let thought = &gateway.store.rows("aibridge_model_thoughts")[0];
    for (row, text, expected) in [
        (tool, "input", json!({"truncated": true})),
        (thought, "content", json!({"source": "thinking", "truncated": true})),
    ] {
        let length = row[text].as_str().unwrap().len();
        assert!((AT_MOST - 200..=AT_MOST).contains(&length), "{text}: {length}");
        assert_eq!(metadata(row), expected);
    }
}

/// A response of `dialect` that calls the tool `write` with 9 MB of arguments, and then `rm_rf`.
fn two_calls(dialect: &Dialect, streaming: bool) -> String {
    let long = format!(r#"{{"k":"{}"}}"#, "x".repeat(9_000_000));
    let calls = [("t1", "write", long.as_str()), ("t2", "rm_rf", r#"{"z":1}"#)];
    let format = |form: fn(usize, &str, &str, &str) -> String| {
        let calls = calls.iter().enumerate();
        calls.map(|(at, (id, name, input))| form(at, id, name, input)).collect::<Vec<_>>()
    };
    let event = |data: &str| format!("data: {data}\n\n");
    match (dialect.target, streaming) {
        (target, _) if target == CHAT.target => {
            let calls = format(|at, id, name, input| {
                format!(
                    r#"{{"index":{at},"id":"{id}","function":{{"name":"{name}","arguments":{input:?}}}}}"#
                )
            });
            let member = if streaming { "delta" } else { "message" };
            let whole = format!(
                r#"{{"id":"c1","choices":[{{"index":0,"{member}":{{"tool_calls":[{}]}},"finish_reason":"stop"}}]}}"#,
                calls.join(",")
            );
            if streaming { event(&whole) + "data: [DONE]\n\n" } else { whole }
        }
        (target, _) if target == RESPONSES.target => {
            let calls = format(|_, id, name, input| {
                format!(
                    r#"{{"type":"function_call","call_id":"{id}","name":"{name}","arguments":{input:?}}}"#
                )
            });
            let whole = format!(r#"{{"id":"r1","status":"completed","output":[{}]}}"#, calls.join(","));
            let completed = format!(r#"{{"type":"response.completed","response":{whole}}}"#);
            if streaming { event(&completed) } else { whole }
        }
        (_, false) => {
            let calls = format(|_, id, name, input| {
                format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}"#)
            });
            format!(r#"{{"id":"m1","type":"message","content":[{}]}}"#, calls.join(","))
        }
        (_, true) => {
            let blocks = format(|at, id, name, input| {
                format!(
                    "data: {{\"type\":\"content_block_start\",\"index\":{at},\"content_block\":{{\"type\":\"tool_use\",\"id\":\"{id}\",\"name\":\"{name}\",\"input\":{{}}}}}}\n\n\
                     data: {{\"type\":\"content_block_delta\",\"index\":{at},\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":{input:?}}}}}\n\n"
                )
            });
            [dialect.events[0], &blocks.concat(), dialect.events[2]].concat()
        }
    }
}

#[tokio::test]
async fn a_tool_call_after_the_cap_has_a_row_without_its_arguments() {
    for dialect in DIALECTS {
        for streaming in [false, true] {
            let about = format!("{} {streaming}", dialect.target);
            let body = two_calls(dialect, streaming);
            let script = if streaming { Script::sse(body) } else { Script::json(200, body) };
            let (_, gateway) = call(dialect.target, dialect.request(streaming), script).await;
            let rows = gateway.store.rows("aibridge_tool_usages");
            let names: Vec<_> =
                rows.iter().map(|row| (&row["provider_tool_call_id"], &row["tool"])).collect();
            let [write, remove] = ["write", "rm_rf"].map(Value::from);
            assert_eq!(names, [(&json!("t1"), &write), (&json!("t2"), &remove)], "{about}");
            assert_eq!(rows[0]["input"].as_str().map(str::len), Some(8 << 20), "{about}");
            assert_eq!(rows[1]["input"], "", "{about}");
            let truncated = json!({"truncated": true});
            assert_eq!(
                rows.iter().map(metadata).collect::<Vec<_>>(),
                [truncated.clone(), truncated],
                "{about}"
            );
        }
    }
}

#[tokio::test]
async fn complete_text_has_no_truncation_mark() {
    for dialect in DIALECTS {
        let (_, gateway) = call(dialect.target, dialect.stream, dialect.script(true)).await;
        assert_eq!(metadata(&gateway.store.rows("aibridge_tool_usages")[0]), json!({}), "{}", dialect.target);
    }
}

#[tokio::test]
async fn a_hundred_thousand_tool_calls_in_one_event_are_recorded() {
    let entries: Vec<_> = (0..100_000)
        .map(|number| {
            format!(r#"{{"index":{number},"id":"{number}","function":{{"name":"x","arguments":"{{}}"}}}}"#)
        })
        .collect();
    let event = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{}]}},\"finish_reason\":\"stop\"}}]}}\n\n",
        entries.join(",")
    );
    let (response, gateway) = call(CHAT.target, CHAT.stream, Script::sse(event + "data: [DONE]\n\n")).await;
    assert_eq!(response.status(), 200);
    let count = gateway.store.query("SELECT count(*) AS n FROM aibridge_tool_usages", &[]);
    assert_eq!(count[0]["n"], 100_000);
}

#[tokio::test]
async fn the_input_of_a_custom_tool_is_a_json_string() {
    let input = r#"{\"a\":1}"#;
    for (dialect, whole) in [
        (
            &CHAT,
            format!(
                r#"{{"id":"c","choices":[{{"message":{{"tool_calls":[{{"id":"t","type":"custom","custom":{{"name":"x","input":"{input}"}}}}]}}}}]}}"#
            ),
        ),
        (
            &RESPONSES,
            format!(
                r#"{{"id":"r","output":[{{"type":"custom_tool_call","call_id":"t","name":"x","input":"{input}"}}]}}"#
            ),
        ),
    ] {
        let (_, gateway) = call(dialect.target, dialect.blocking, Script::json(200, whole)).await;
        let row = &gateway.store.rows("aibridge_tool_usages")[0];
        assert_eq!(row["input"], r#""{\"a\":1}""#, "{}", dialect.target);
    }
}

#[tokio::test]
async fn the_stated_cost_is_stored_verbatim() {
    for (dialect, usage) in [(&CHAT, "prompt_tokens"), (&RESPONSES, "input_tokens")] {
        let whole = format!(
            r#"{{"id":"c","choices":[],"output":[],"usage":{{"{usage}":9,"total_tokens":9,"cost":1.250e-03}}}}"#
        );
        let (_, gateway) = call(dialect.target, dialect.blocking, Script::json(200, whole)).await;
        let row = &gateway.store.rows("aibridge_token_usages")[0];
        assert_eq!(row["extra_token_types"], r#"{"cost":1.250e-03,"total_tokens":9}"#, "{}", dialect.target);
    }
}

#[tokio::test]
async fn a_response_without_usage_is_charged_an_unrecorded_estimate() {
    let text = "word".repeat(100);
    let chunk = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    );
    let stream = format!("{chunk}{chunk}data: [DONE]\n\n");
    let whole = format!(
        r#"{{"id":"r","output":[{{"type":"message","content":[{{"type":"output_text","text":"{text}{text}"}}]}}]}}"#
    );
    for (dialect, request, script) in [
        (&CHAT, CHAT.stream, Script::sse(stream)),
        (&RESPONSES, RESPONSES.blocking, Script::json(200, whole)),
    ] {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let limits = "[limits]\ntokens_per_minute = 100\n";
        let gateway =
            Harness::start(&format!("{limits}{}", provider_settings(&provider.base_url(), &[KEY]))).await;
        let call = || RawClient::post(gateway.address, dialect.target, &[], request);
        assert_eq!(call().await.status(), 200);
        let refused = call().await;
        assert_eq!(refused.status(), 429, "{}", dialect.target);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("Used 200,"), "{message}");
        assert!(gateway.store.rows("aibridge_token_usages").is_empty());
    }
}

#[tokio::test]
async fn tokens_written_to_a_cache_count() {
    let whole = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":900,"completion_tokens":50,"prompt_tokens_details":{"cache_write_tokens":800}}}"#;
    let script = Script::json(200, whole);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let limits = "[limits]\ntokens_per_minute = 100\n";
    let gateway =
        Harness::start(&format!("{limits}{}", provider_settings(&provider.base_url(), &[KEY]))).await;
    let call = || RawClient::post(gateway.address, CHAT.target, &[], CHAT.blocking);
    assert_eq!(call().await.status(), 200);
    let message = call().await.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("Used 950,"), "{message}");
    let metrics = RawClient::get(gateway.address, "/metrics").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(metrics.contains("aibridge_tokens_total{type=\"cache_write_input\"} 800"), "{metrics}");
}

#[tokio::test]
async fn a_model_name_has_at_most_512_bytes() {
    for dialect in DIALECTS {
        for (length, status) in [(512, 200), (513, 400), (5 << 20, 400)] {
            let request = dialect.blocking.replacen("\"m\"", &format!("{:?}", "m".repeat(length)), 1);
            let (response, gateway) = call(dialect.target, &request, dialect.script(false)).await;
            assert_eq!(response.status(), status, "{} {length}", dialect.target);
            if status == 400 {
                let error = &response.json()["error"];
                assert_eq!(response.header("x-aibridge-error"), Some("invalid_model"));
                assert_eq!(error["type"], "invalid_request_error");
                assert!(gateway.store.rows("aibridge_interceptions").is_empty(), "nothing is recorded");
            }
        }
    }
}

#[tokio::test]
async fn an_access_token_is_no_model_name() {
    let token = format!("aib_{}", "0123456789-_".repeat(4));
    for dialect in DIALECTS {
        for (model, status) in [(&*token, 400), (&format!("models/{token}"), 400), ("org/aib_large", 200)] {
            let request = dialect.blocking.replacen("\"m\"", &format!("{model:?}"), 1);
            let (response, gateway) = call(dialect.target, &request, dialect.script(false)).await;
            assert_eq!(response.status(), status, "{} {model}", dialect.target);
            if status == 400 {
                assert_eq!(response.header("x-aibridge-error"), Some("invalid_model"));
                assert!(!response.text().contains(&token[..20]), "{}", response.text());
                assert!(gateway.store.rows("aibridge_interceptions").is_empty(), "nothing is recorded");
            }
        }
    }
}
