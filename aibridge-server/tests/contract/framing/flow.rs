//! Every piece of a stream is relayed when it arrives, also comments, blank lines and partial events.

use super::{HI, USAGE, send_stream};
use crate::dialects::KEY;
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, Gate, Script, ScriptedProvider, Step};

/// Sends each piece only after the client has received everything that the previous pieces allow.
async fn assert_relayed_in_step(content_type: &str, steps: &[(&str, &str)]) {
    let gates: Vec<Gate> = steps.iter().map(|_| Gate::new()).collect();
    let mut script = Script::head(200, Framing::Chunked).header("Content-Type", content_type);
    for (gate, (piece, _)) in gates.iter().zip(steps) {
        script = script.then(Step::Await(gate.clone())).chunk((*piece).to_owned());
    }
    let script = script.then(Step::End);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = send_stream(&gateway).await;
    let (last_gate, last) = (gates.last().unwrap(), steps.last().unwrap().1);
    let mut is_begun = false;
    for (gate, (piece, expected)) in gates.iter().zip(steps) {
        gate.open();
        if std::ptr::eq(gate, last_gate) || expected.is_empty() {
            continue;
        }
        if !std::mem::replace(&mut is_begun, true) {
            assert_eq!(client.head().await.status, 200);
        }
        assert_eq!(client.read_until(expected).await, *expected, "after {piece:?} has arrived");
    }
    assert_eq!(client.read_to_end().await, (last.to_owned().into(), BodyEnd::Clean));
    assert_eq!(gateway.store.rows("aibridge_interceptions")[0]["outcome"], "completed");
}

#[tokio::test]
async fn comments_and_blank_lines_are_relayed_at_once() {
    let event = format!("data: {HI}\n\n");
    for content_type in ["text/event-stream", "application/json"] {
        assert_relayed_in_step(
            content_type,
            &[
                (": PROCESSING\n", ": PROCESSING\n"),
                ("\n", "\n"),
                (&event, &event),
                (":\n\n", ":\n\n"),
                ("data: [DONE]\n\n", "data: [DONE]\n\n"),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn events_with_cr_line_ends_are_relayed_at_once() {
    let event = format!("data: {HI}\r\r");
    assert_relayed_in_step(
        "text/event-stream",
        &[(&event, &event), (": x\r", ": x\r"), ("data: [DONE]\r\r", "data: [DONE]\r\r")],
    )
    .await;
}

#[tokio::test]
async fn a_late_line_feed_belongs_to_the_previous_event() {
    let event = format!("data: {HI}\r\n\r");
    let usage = format!("data: {USAGE}\r\n\r");
    assert_relayed_in_step(
        "text/event-stream",
        &[(&event, &event), ("\n", "\n"), (&usage, ""), ("\ndata: [DONE]\r\n\r\n", "data: [DONE]\r\n\r\n")],
    )
    .await;
}

#[tokio::test]
async fn json_lines_are_relayed_at_once() {
    let line = format!("{HI}\n");
    assert_relayed_in_step(
        "application/x-ndjson",
        &[(&line, &line), ("\n", "\n"), (&line, &line), ("\n", "\n")],
    )
    .await;
    let two = format!("{line}{line}");
    let begun = "{\"choices\"";
    assert_relayed_in_step(
        "application/json",
        &[(&line, ""), (begun, &line), (":[]}\n", "{\"choices\":[]}\n"), (&two, &two)],
    )
    .await;
}

#[tokio::test]
async fn events_with_single_newlines_are_relayed_with_the_next() {
    let event = format!("data: {HI}\n");
    let second = format!("event: x\ndata: {HI}\n");
    assert_relayed_in_step(
        "text/event-stream",
        &[(&event, ""), (&second, &event), ("data: [DONE]\n", &format!("{second}data: [DONE]\n"))],
    )
    .await;
}
