//! Responses are read by their content, not by their headers, and are relayed without delay.

mod encoded;
mod flow;
mod invalid;

use crate::dialects::{CHAT, KEY};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, RawClient, Script, ScriptedProvider, Step, request};
use serde_json::{Value, json};

/// A stream request without `include_usage`: the gateway adds it, and withholds the usage chunk.
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
const HI: &str =
    "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";
const USAGE: &str = "{\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}";

/// The response that the client received, and the records.
struct Outcome {
    body: String,
    row: Value,
    /// Recorded input and output tokens.
    usage: Vec<Value>,
    head: aibridge_testkit::Head,
}

async fn send_stream(gateway: &Harness) -> RawClient {
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT.target, &[], STREAM.as_bytes())).await;
    client
}

/// Requests a stream, and reads the response to its end.
async fn call(content_type: &str, body: &str) -> Outcome {
    let script = Script::head(200, Framing::Chunked).header("Content-Type", content_type);
    let script = script.chunk(body.to_owned()).then(Step::End);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = send_stream(&gateway).await;
    let head = client.head().await;
    let (body, end) = client.read_to_end().await;
    assert_eq!(end, BodyEnd::Clean);
    let id = head.header("x-aibridge-interception-id").unwrap().to_owned();
    let usages = gateway.store.rows_of("aibridge_token_usages", &id);
    Outcome {
        body: String::from_utf8(body.to_vec()).unwrap(),
        row: json!(gateway.store.interception(&id).unwrap()),
        usage: usages.iter().map(|row| json!([row["input_tokens"], row["output_tokens"]])).collect(),
        head,
    }
}

#[tokio::test]
async fn the_first_bytes_decide_whether_a_response_is_a_stream() {
    let stream = format!("data: {HI}\n\ndata: {USAGE}\n\ndata: [DONE]\n\n");
    let relayed = format!("data: {HI}\n\ndata: [DONE]\n\n");
    let single = format!("data: {HI}\ndata: {USAGE}\ndata: [DONE]\n");
    let single_relayed = format!("data: {HI}\ndata: [DONE]\n");
    let with_usage = HI.replace("\"id\"", "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2},\"id\"");
    let bom = |text: &str| format!("\u{feff}\r\n{text}");
    let lines = format!("{HI}\n{USAGE}\n");
    let table: &[(&str, &str, &str, bool)] = &[
        ("text/event-stream", &stream, &relayed, true),
        ("application/json", &stream, &relayed, true),
        ("application/json", &bom(&stream), &bom(&relayed), true),
        ("text/plain", &single, &single_relayed, true),
        ("application/x-ndjson", &lines, &format!("{HI}\n"), true),
        ("application/json", &lines, &format!("{HI}\n"), true),
        ("application/json", &with_usage, &with_usage, false),
        ("text/plain", &bom(&with_usage), &bom(&with_usage), false),
    ];
    for (content_type, body, relayed, is_stream) in table {
        let about = format!("{content_type} {body:?}");
        let response = call(content_type, body).await;
        assert_eq!(response.body, *relayed, "{about}");
        assert_eq!(response.head.header("content-type"), Some(*content_type), "{about}");
        assert_eq!(response.head.header("x-accel-buffering").is_some(), *is_stream, "{about}");
        assert_eq!(
            (&response.row["outcome"], &response.usage[..]),
            (&"completed".into(), &[json!([9, 2])][..]),
            "{about}"
        );
    }
}
