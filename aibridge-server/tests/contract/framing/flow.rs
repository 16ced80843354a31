//! Every piece goes on when it comes, whatever it is.

use super::{HI, USAGE, send_stream};
use crate::dialects::KEY;
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, Gate, Script, ScriptedProvider, Step};

/// Sends each piece when the client has what could be sent on of those before it.
async fn in_step(content_type: &str, steps: &[(&str, &str)]) {
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
        assert_eq!(client.until(expected).await, *expected, "when {piece:?} has come");
    }
    assert_eq!(client.rest().await, (last.to_owned().into(), BodyEnd::Clean));
    assert_eq!(gateway.store.rows("aibridge_interceptions")[0]["outcome"], "completed");
}

#[tokio::test]
async fn comments_and_blank_lines_do_not_wait_for_an_event() {
    let event = format!("data: {HI}\n\n");
    for content_type in ["text/event-stream", "application/json"] {
        in_step(
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
async fn lines_that_end_with_cr_are_not_one_event_late() {
    let event = format!("data: {HI}\r\r");
    in_step(
        "text/event-stream",
        &[(&event, &event), (": x\r", ": x\r"), ("data: [DONE]\r\r", "data: [DONE]\r\r")],
    )
    .await;
}

#[tokio::test]
async fn a_line_feed_that_comes_late_belongs_to_the_event_before_it() {
    let event = format!("data: {HI}\r\n\r");
    let usage = format!("data: {USAGE}\r\n\r");
    in_step(
        "text/event-stream",
        &[(&event, &event), ("\n", "\n"), (&usage, ""), ("\ndata: [DONE]\r\n\r\n", "data: [DONE]\r\n\r\n")],
    )
    .await;
}

#[tokio::test]
async fn lines_of_json_do_not_wait_for_the_end_of_the_body() {
    let line = format!("{HI}\n");
    in_step("application/x-ndjson", &[(&line, &line), ("\n", "\n"), (&line, &line), ("\n", "\n")]).await;
    let two = format!("{line}{line}");
    let begun = "{\"choices\"";
    in_step(
        "application/json",
        &[(&line, ""), (begun, &line), (":[]}\n", "{\"choices\":[]}\n"), (&two, &two)],
    )
    .await;
}

#[tokio::test]
async fn events_with_one_newline_wait_for_no_more_than_the_next() {
    let event = format!("data: {HI}\n");
    let second = format!("event: x\ndata: {HI}\n");
    in_step(
        "text/event-stream",
        &[(&event, ""), (&second, &event), ("data: [DONE]\n", &format!("{second}data: [DONE]\n"))],
    )
    .await;
}
