//! Unusual provider responses from JSON files outside the repository: each is relayed byte for byte, except for withheld
//! chunks, and recorded as the file expects.

use crate::dialects::KEY;
use crate::harness::Harness;
use aibridge_testkit::{
    BodyEnd, Framing, RawClient, Script, ScriptedProvider, Step, skip_test, wire_cases_dir,
};
use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::path::Path;

#[tokio::test]
async fn every_case_is_relayed_and_recorded() {
    let Some(dir) = wire_cases_dir() else {
        return skip_test("there is no folder with responses beside the repository");
    };
    let mut paths: Vec<_> = dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no cases in {}", dir.display());
    let mut problems = Vec::new();
    for path in &paths {
        if let Err(problem) = play(path).await {
            problems.push(problem);
        }
    }
    assert!(problems.is_empty(), "{} of {} cases:\n{}", problems.len(), paths.len(), problems.join("\n"));
}

/// Plays one case. An error has the difference.
async fn play(path: &Path) -> Result<(), String> {
    let case: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (request, scripted, expect) = (&case["request"], &case["response"], &case["expect"]);
    let body = body(&scripted["body"]);
    let script = script(scripted, body.clone());
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let target = format!("/openai/v1{}", request["route"].as_str().unwrap());
    let response = RawClient::post(gateway.address, &target, &[], &request["body"].to_string()).await;

    let about = format!("{} ({})", case["name"], case["what"]);
    let assert_same = |name: &str, got: &Value, expected: &Value| match got == expected {
        true => Ok(()),
        false => Err(format!("{about}: {name} is {got}, expected {expected}")),
    };
    assert_same("the status", &response.status().into(), &scripted["status"])?;
    if scripted["cut"] != true {
        assert_same("a clean end", &(response.end == BodyEnd::Clean).into(), &true.into())?;
        if response.body != expected_bytes(&body, expect["withheld"].as_str()) {
            return Err(format!("{about}: the client got {:?}", String::from_utf8_lossy(&response.body)));
        }
    }
    let id = response.header("x-aibridge-interception-id").ok_or_else(|| format!("{about}: no id"))?;
    let row = gateway.store.interception(id).unwrap();
    assert_same("the outcome", &row["outcome"], &expect["outcome"])?;
    assert_same("the error type", &row["error_type"], &expect["error_type"])?;
    let rows = |table: &str| gateway.store.rows_of(table, id);
    let usage =
        rows("aibridge_token_usages").pop().map_or(Value::Null, |row| select_columns(&expect["usage"], row));
    assert_same("the usage", &usage, &expect["usage"])?;
    let call = json!({"tool": "", "input": "", "provider_tool_call_id": ""});
    let calls: Vec<_> =
        rows("aibridge_tool_usages").into_iter().map(|row| select_columns(&call, row)).collect();
    assert_same("the tool calls", &calls.into(), &expect["tool_calls"])?;
    let thoughts = rows("aibridge_model_thoughts").into_iter().map(|mut row| row["content"].take());
    assert_same("the reasoning", &thoughts.collect(), &expect["reasoning"])
}

fn body(body: &Value) -> Bytes {
    match body.as_str() {
        Some(text) => Bytes::copy_from_slice(text.as_bytes()),
        None => base64::prelude::BASE64_STANDARD.decode(body["base64"].as_str().unwrap()).unwrap().into(),
    }
}

fn script(scripted: &Value, body: Bytes) -> Script {
    let status = u16::try_from(scripted["status"].as_u64().unwrap()).unwrap();
    let mut script = Script::head(status, Framing::Chunked);
    for header in scripted["headers"].as_array().unwrap() {
        script = script.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    if !body.is_empty() {
        script = script.chunk(body);
    }
    script.then(if scripted["cut"] == true { Step::Reset } else { Step::End })
}

/// `body` without the withheld bytes.
fn expected_bytes(body: &[u8], withheld: Option<&str>) -> Vec<u8> {
    let Some(withheld) = withheld.map(str::as_bytes) else { return body.to_vec() };
    let at = body.windows(withheld.len()).position(|window| window == withheld).unwrap();
    [&body[..at], &body[at + withheld.len()..]].concat()
}

/// The columns of `row` that `expected` has, or all of them if `expected` is null.
fn select_columns(expected: &Value, row: Map<String, Value>) -> Value {
    let wanted = |name: &str| expected.as_object().is_none_or(|expected| expected.contains_key(name));
    row.into_iter().filter(|(name, _)| wanted(name)).collect::<Map<_, _>>().into()
}
