//! Streams that end before their terminal event: their outcome, and their cost.

use crate::dialects::{CHAT, KEY, MESSAGES, RESPONSES};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, Gate, RawClient, Row, Script, ScriptedProvider, Step, request};
use serde_json::json;

/// Sends a stream request for `model`. Returns the body and its end after `arrived` was opened, the interception and
/// its usages.
async fn read_stream(
    gateway: &Harness,
    (target, body): (&str, &str),
    start: &str,
    arrived: &Gate,
) -> (String, BodyEnd, Row, Vec<Row>) {
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", target, &[], body.as_bytes())).await;
    let head = client.head().await;
    let mut read = Vec::new();
    while read.len() < start.len() {
        read.extend(client.piece().await.unwrap());
    }
    arrived.open();
    let (rest, end) = client.read_to_end().await;
    read.extend(rest);
    let id = head.header("x-aibridge-interception-id").unwrap();
    let usages = gateway.store.rows_of("aibridge_token_usages", id);
    (String::from_utf8(read).unwrap(), end, gateway.store.interception(id).unwrap(), usages)
}

/// A lost connection is always charged an estimate. A body that the provider ends is charged one only if a part of its
/// usage came.
#[tokio::test]
async fn a_stream_that_ends_before_its_last_usage_is_charged_an_estimate() {
    const NAMES: [&str; 4] =
        ["input_tokens", "output_tokens", "estimated_input_tokens", "estimated_output_tokens"];
    let text = "x".repeat(400);
    let chat = |usage: &str| {
        format!(
            "data: {{\"id\":\"c1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]{usage}}}\n\n"
        )
    };
    let response = format!(
        "data: {{\"type\":\"response.created\",\"response\":{{\"id\":\"r1\"}}}}\n\n\
         data: {{\"type\":\"response.output_text.delta\",\"delta\":\"{text}\"}}\n\n"
    );
    let message = format!(
        "{}data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n",
        MESSAGES.events[0]
    );
    let partial = ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}";
    let table = [
        (CHAT, chat(""), false),
        (CHAT, chat(partial), true),
        (RESPONSES, response, false),
        (MESSAGES, message, true),
    ];
    for (dialect, start, has_usage) in table {
        let play = |framing, last: Step| {
            let (start, arrived) = (start.clone(), Gate::new());
            let script = Script::head(200, framing).header("Content-Type", "text/event-stream");
            let script = script.chunk(start.clone()).then(Step::Await(arrived.clone())).then(last);
            async move {
                let provider = ScriptedProvider::start(move |_| script.clone()).await;
                let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
                let call = (dialect.target, dialect.stream);
                let (body, _, row, usages) = read_stream(&gateway, call, &start, &arrived).await;
                assert_eq!((&row["outcome"], &row["error_type"]), (&json!("failed"), &json!("stream_error")));
                let counts = usages.first().map(|usage| NAMES.map(|name| usage[name].as_i64()));
                (body == start, counts)
            }
        };
        let (is_unchanged, lost) = play(Framing::Chunked, Step::Close).await;
        assert!(!is_unchanged, "{}: an error event", dialect.target);
        assert_eq!(lost.unwrap()[3], Some(100), "{}", dialect.target);
        for framing in [Framing::Chunked, Framing::ContentLength(start.len() as u64)] {
            let expected = (true, lost.filter(|_| has_usage));
            assert_eq!(play(framing, Step::End).await, expected, "{} {framing:?}", dialect.target);
        }
    }
}
