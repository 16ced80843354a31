//! The expected outcome of a recording, computed from whole bodies and JSON trees instead of streams.

use super::{Case, HINT, Outcome, segmentation};
use serde_json::{Value, json};

/// The recorded request, with `stream` set to `streaming`: a recording has one request for both kinds of response.
pub(super) fn with_stream(request: &str, streaming: bool) -> String {
    let is_stream = |request: &str| serde_json::from_str::<Value>(request).unwrap()["stream"] == true;
    if is_stream(request) == streaming {
        return request.to_owned();
    }
    let extracted = ["\"stream\": ", "\"stream\":"].into_iter().find(|extracted| request.contains(extracted));
    let changed = match extracted {
        Some(extracted) => {
            request.replacen(&format!("{extracted}{}", !streaming), &format!("{extracted}{streaming}"), 1)
        }
        None => request.replacen('{', &format!("{{\"stream\": {streaming},"), 1),
    };
    assert_eq!(is_stream(&changed), streaming, "{changed}");
    changed
}

/// The expected outcome of `case`.
pub(super) fn expected(case: &Case) -> Outcome {
    let request: Value = serde_json::from_str(&case.request).unwrap();
    let chat = case.route == "/chat/completions";
    let add_usage = chat && case.streaming && request["stream_options"]["include_usage"] != true;
    assert!(
        !add_usage || request.get("stream_options").is_none(),
        "{}: more than a recording has",
        case.name
    );
    let splice = if add_usage { "{\"stream_options\":{\"include_usage\":true}," } else { "{" };
    let response = segmentation::body(&case.response);
    let withheld = |event: &&str| add_usage && data(event).is_some_and(|data| is_usage_only(&data));
    Outcome {
        upstream: case.request.replacen('{', splice, 1),
        client: response.split_inclusive("\n\n").filter(|event| !withheld(event)).collect(),
        records: if chat { chat_records(case, &request) } else { response_records(case, &request) },
    }
}

/// The JSON of an event or of a blocking body.
fn data(event: &str) -> Option<Value> {
    let data: String = match event.trim_start().starts_with('{') {
        true => event.to_owned(),
        false => event.lines().filter_map(|line| line.strip_prefix("data: ")).collect(),
    };
    serde_json::from_str(&data).ok()
}

fn is_usage_only(data: &Value) -> bool {
    data["choices"].as_array().is_some_and(Vec::is_empty) && data["usage"].is_object()
}

fn all_data(case: &Case) -> Vec<Value> {
    let body = segmentation::body(&case.response);
    match case.streaming {
        true => body.split("\n\n").filter_map(data).collect(),
        false => data(body).into_iter().collect(),
    }
}

fn chat_records(case: &Case, request: &Value) -> Value {
    let chunks = all_data(case);
    let id = chunks.iter().find_map(|chunk| chunk["id"].as_str());
    let usage = chunks.iter().rev().map(|chunk| &chunk["usage"]).find(|usage| usage.is_object());
    let usage = usage.map(|usage| {
        let (prompt_details, completion) =
            (&usage["prompt_tokens_details"], &usage["completion_tokens_details"]);
        let extra = [
            ("prompt_audio", &prompt_details["audio_tokens"]),
            ("completion_audio", &completion["audio_tokens"]),
            ("completion_reasoning", &completion["reasoning_tokens"]),
            ("completion_accepted_prediction", &completion["accepted_prediction_tokens"]),
            ("completion_rejected_prediction", &completion["rejected_prediction_tokens"]),
            ("total_tokens", &usage["total_tokens"]),
        ];
        let output = &usage["completion_tokens"];
        usage_row(id, &usage["prompt_tokens"], &prompt_details["cached_tokens"], output, extra.into_iter())
    });
    let calls = chunks.iter().flat_map(|chunk| {
        let message = &chunk["choices"][0];
        let calls = message["message"]["tool_calls"].as_array().or(message["delta"]["tool_calls"].as_array());
        calls.cloned().unwrap_or_default()
    });
    let mut tools: Vec<Value> = Vec::new();
    for call in calls {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        match (call["id"].as_str(), tools.last_mut()) {
            (None, Some(tool)) => {
                tool["input"] = format!("{}{arguments}", tool["input"].as_str().unwrap()).into()
            }
            _ => tools.push(tool_row(id, &call["id"], &call["function"]["name"], arguments)),
        }
    }
    let failed = chunks.iter().any(|chunk| chunk.get("error").is_some());
    let messages = request["messages"].as_array().unwrap();
    let prompt = messages.last().filter(|last| last["role"] == "user").map(|last| &last["content"]);
    records(case, request, prompt, Extracted { id, failed, usage, tools, thoughts: Vec::new() })
}

fn response_records(case: &Case, request: &Value) -> Value {
    let events = all_data(case);
    let last = events.last().unwrap();
    let body = if case.streaming { &last["response"] } else { last };
    let id = body["id"].as_str();
    let usage = Some(&body["usage"]).filter(|usage| usage.is_object()).map(|usage| {
        let extra = [
            ("output_reasoning", &usage["output_tokens_details"]["reasoning_tokens"]),
            ("total_tokens", &usage["total_tokens"]),
        ];
        let cached = &usage["input_tokens_details"]["cached_tokens"];
        usage_row(id, &usage["input_tokens"], cached, &usage["output_tokens"], extra.into_iter())
    });
    let (mut tools, mut thoughts) = (Vec::new(), Vec::new());
    for item in body["output"].as_array().into_iter().flatten() {
        match item["type"].as_str().unwrap() {
            "function_call" => {
                tools.push(tool_row(
                    id,
                    &item["call_id"],
                    &item["name"],
                    item["arguments"].as_str().unwrap(),
                ));
            }
            "local_shell_call" => {
                let name = "local_shell".into();
                tools.push(tool_row(id, &item["call_id"], &name, raw_member(&case.response, "action")));
            }
            "reasoning" => {
                thoughts.extend(item["summary"].as_array().unwrap().iter().map(
                    |part| json!({"content": part["text"], "metadata": {"source": "reasoning_summary"}}),
                ))
            }
            _ => assert_ne!(item["phase"], "commentary", "{}: more than a recording has", case.name),
        }
    }
    let failed = last["type"] == "response.failed" || last["type"] == "error";
    let item = request["input"].as_array().and_then(|items| items.last());
    let prompt = match item {
        None => Some(&request["input"]),
        Some(item) if item["role"] == "user" && item["content"].is_string() => Some(&item["content"]),
        Some(item) if item["role"] == "user" => Some(&item["content"][0]["text"]),
        Some(_) => None,
    };
    records(case, request, prompt, Extracted { id, failed, usage, tools, thoughts })
}

/// The last member `name`, as its original text.
fn raw_member<'a>(text: &'a str, name: &str) -> &'a str {
    let name = format!("\"{name}\":");
    let value = &text[text.rfind(&name).unwrap() + name.len()..];
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
    values.next().unwrap().unwrap();
    value[..values.byte_offset()].trim()
}

/// The values extracted from a response.
struct Extracted<'a> {
    id: Option<&'a str>,
    failed: bool,
    usage: Option<Value>,
    tools: Vec<Value>,
    thoughts: Vec<Value>,
}

fn usage_row<'a>(
    id: Option<&str>,
    input: &Value,
    cached: &Value,
    output: &Value,
    extra: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Value {
    let cached = cached.as_i64().unwrap_or(0);
    let extra: Value =
        extra.filter(|(_, count)| count.is_i64()).map(|(n, count)| (n.to_owned(), count.clone())).collect();
    let row = json!({
        "provider_response_id": id, "input_tokens": (input.as_i64().unwrap() - cached).max(0),
        "output_tokens": output, "cache_read_input_tokens": cached, "cache_write_input_tokens": 0,
        "extra_token_types": extra,
    });
    row
}

fn tool_row(id: Option<&str>, call: &Value, name: &Value, input: &str) -> Value {
    json!({
        "provider_response_id": id, "provider_tool_call_id": call, "tool": name, "input": input, "injected": 0,
        "metadata": {},
    })
}

fn records(case: &Case, request: &Value, prompt: Option<&Value>, extracted: Extracted) -> Value {
    let status = segmentation::status(&case.response);
    let mut interception = json!({
        "initiator_id": "anonymous", "provider": "openai", "provider_name": "openai", "model": request["model"],
        "route": case.route, "streaming": i32::from(case.streaming), "client": "Unknown",
        "credential_kind": "byok", "credential_hint": HINT, "metadata": {}, "upstream_status": status,
        "outcome": if extracted.failed || status >= 400 { "failed" } else { "completed" },
    });
    match status {
        401 => interception["error_type"] = "authentication".into(),
        _ if extracted.failed => interception["error_type"] = "stream_error".into(),
        _ => {}
    }
    let mut prompts: Vec<_> = prompt.map(|prompt| json!({"prompt": prompt})).into_iter().collect();
    if let (Some(id), Some(prompt)) = (extracted.id, prompts.first_mut()) {
        prompt["provider_response_id"] = id.into();
    }
    json!({
        "interception": interception, "prompts": prompts, "token_usages": extracted.usage.into_iter().collect::<Vec<_>>(),
        "tool_usages": extracted.tools, "thoughts": extracted.thoughts,
    })
}
