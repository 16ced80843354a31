//! The provider's response to a planned request, as the client has to receive it.

use crate::plan::Plan;
use aibridge_testkit_wire::{Script, Step};
use serde_json::{Value, json};

/// The text that a response contains in each event.
const TEXT: &str = "The test fails at the first empty line. ";

/// The script by which the provider responds to `plan`.
pub fn script(plan: &Plan) -> Script {
    if !plan.stream {
        return Script::json(200, body(plan));
    }
    let mut script = Script::sse_head();
    for (at, event) in events(plan).into_iter().enumerate() {
        if at > 0 && !plan.pace.is_zero() {
            script = script.then(Step::Pause(plan.pace));
        }
        script = script.chunk(event);
    }
    script.then(Step::End)
}

/// The body of the response to `plan`, in full.
pub fn body(plan: &Plan) -> String {
    match (plan.stream, plan.responses) {
        (true, _) => events(plan).concat(),
        (false, true) => response(plan, "completed").to_string(),
        (false, false) => chat_completion(plan).to_string(),
    }
}

fn events(plan: &Plan) -> Vec<String> {
    if plan.responses { response_events(plan) } else { chat_events(plan) }
}

fn chat_tool_calls(plan: &Plan) -> Vec<Value> {
    let calls = plan.tool_calls().into_iter().enumerate();
    let call = |(at, (id, name, arguments)): (usize, (String, String, Value))| {
        json!({"index": at, "id": id, "type": "function",
            "function": {"name": name, "arguments": arguments.to_string()}})
    };
    calls.map(call).collect()
}

fn chat_completion(plan: &Plan) -> Value {
    let mut message = json!({"role": "assistant", "content": TEXT.repeat(plan.events)});
    if plan.tools > 0 {
        message["tool_calls"] = chat_tool_calls(plan).into();
    }
    if plan.reasoning {
        message["reasoning_content"] = "Let me think.".into();
    }
    json!({"id": format!("chatcmpl-{}", plan.number), "object": "chat.completion", "model": "gpt-5-chaos",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": plan.usage()})
}

fn chat_events(plan: &Plan) -> Vec<String> {
    let chunk = |delta: Value, finish: Option<&str>| {
        json!({"id": format!("chatcmpl-{}", plan.number), "object": "chat.completion.chunk",
            "model": "gpt-5-chaos", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    if plan.reasoning {
        chunks.push(chunk(json!({"reasoning_content": "Let me think."}), None));
    }
    chunks.extend((0..plan.events).map(|_| chunk(json!({"content": TEXT}), None)));
    chunks.extend(chat_tool_calls(plan).into_iter().map(|call| chunk(json!({"tool_calls": [call]}), None)));
    chunks.push(chunk(json!({}), Some("stop")));
    chunks.push(json!({"id": format!("chatcmpl-{}", plan.number), "object": "chat.completion.chunk",
        "model": "gpt-5-chaos", "choices": [], "usage": plan.usage()}));
    let data = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    data.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

fn response(plan: &Plan, status: &str) -> Value {
    let done = status == "completed";
    json!({"id": format!("resp_{}", plan.number), "object": "response", "status": status, "model": "gpt-5-chaos",
        "output": if done { output(plan) } else { Vec::new() },
        "usage": if done { plan.usage() } else { Value::Null }})
}

fn output(plan: &Plan) -> Vec<Value> {
    let mut output =
        vec![json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "text": TEXT.repeat(plan.events)}]})];
    if plan.reasoning {
        output.push(json!({"id": "rs_1", "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Let me think."}]}));
    }
    output.extend(plan.tool_calls().into_iter().map(|(id, name, arguments)| {
        json!({"id": format!("fc_{id}"), "type": "function_call", "status": "completed", "call_id": id,
            "name": name, "arguments": arguments.to_string()})
    }));
    output
}

fn response_events(plan: &Plan) -> Vec<String> {
    let mut events = vec![json!({"type": "response.created", "response": response(plan, "in_progress")})];
    events.extend((0..plan.events).map(
        |_| json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": TEXT}),
    ));
    let items = output(plan).into_iter().enumerate();
    events
        .extend(items.map(
            |(at, item)| json!({"type": "response.output_item.done", "output_index": at, "item": item}),
        ));
    events.push(json!({"type": "response.completed", "response": response(plan, "completed")}));
    let lines = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()));
    lines.collect()
}
