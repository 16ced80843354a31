//! Relaying over HTTP/2 streams: order, cancellation and truncation.

use super::{call, gateway_and_client};
use crate::dialects::{CHAT, Dialect, OPENAI_DIALECTS};
use aibridge_testkit::{Framing, Gate, H2End, Script, ScriptedProvider, Step, wait_for};
use h2::Reason;
use std::time::Duration;
use tokio::time::Instant;

/// The maximum time between a disconnect and the end of the upstream connection, from the contract.
const CANCEL_DEADLINE: Duration = Duration::from_millis(250);

const PASSED_THROUGH: &str = "/openai/v1/responses/r1";

#[tokio::test]
async fn bytes_are_relayed_unchanged_in_both_directions() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let (gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    for dialect in OPENAI_DIALECTS {
        for streaming in [false, true] {
            let mut stream = call(&mut client, dialect, streaming).await;
            let head = stream.head().await;
            assert_eq!(head.status(), 200);
            assert_eq!(stream.read_to_end().await, (dialect.response(streaming).into(), H2End::Clean));
            for name in ["connection", "transfer-encoding", "keep-alive", "upgrade"] {
                assert_eq!(head.headers().get(name), None, "{name}");
            }
            assert!(head.headers().contains_key("x-aibridge-interception-id"));
            let received = provider.received().pop().unwrap();
            assert_eq!(received.body, dialect.request(streaming).as_bytes());
            assert_eq!(received.header("host"), Some(provider.address().to_string().as_str()));
        }
    }
    assert_eq!(gateway.store().rows("aibridge_interceptions").len(), 4);
}

#[tokio::test]
async fn each_event_is_relayed_before_the_next_is_sent() {
    for dialect in OPENAI_DIALECTS {
        let gates: Vec<Gate> = (0..=dialect.events.len()).map(|_| Gate::new()).collect();
        let script = gates.iter().zip(dialect.events).fold(Script::sse_head(), |script, (gate, event)| {
            script.then(Step::Await(gate.clone())).chunk(event)
        });
        let script = script.then(Step::Await(gates[gates.len() - 1].clone())).then(Step::End);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
        let mut stream = call(&mut client, dialect, true).await;
        assert_eq!(stream.head().await.status(), 200, "the head is there before the first event");
        for (gate, event) in gates.iter().zip(dialect.events) {
            gate.open();
            assert_eq!(stream.read_until("\n\n").await, event);
        }
        gates[gates.len() - 1].open();
        assert_eq!(stream.read_to_end().await, ("".into(), H2End::Clean));
    }
}

#[tokio::test]
async fn a_reset_stream_cancels_the_upstream_request_at_once() {
    let [first, second, _] = CHAT.events;
    let points = [
        (false, Script::new()),
        (true, Script::new()),
        (false, Script::head(200, Framing::ContentLength(9999)).chunk(CHAT.whole)),
        (true, Script::sse_head().chunk(first).chunk(second)),
        (true, Script::sse_head()),
    ];
    for (number, (streaming, begun)) in points.into_iter().enumerate() {
        let script = begun.clone().then(Step::Stall);
        let mut provider = ScriptedProvider::start(move |_| script.clone()).await;
        let (gateway, mut client) = gateway_and_client(&provider.base_url()).await;
        let mut stream = call(&mut client, &CHAT, streaming).await;
        provider.next_received().await;
        if streaming && !begun.steps.is_empty() {
            stream.head().await;
            if begun.steps.len() > 1 {
                stream.read_until(second).await;
            }
        }
        let left = Instant::now();
        stream.cancel();
        let closed = provider.wait_closed(0).await;
        let took = closed.at.duration_since(left);
        assert!(closed.by_peer && took < CANCEL_DEADLINE, "{number}: {closed:?} after {took:?}");
        let ended = || {
            let rows = gateway.store().rows("aibridge_interceptions");
            rows.into_iter().find(|row| row["ended_at"].is_string())
        };
        let row = wait_for(ended, "the interception to end").await;
        assert_eq!(row["outcome"], "cancelled", "{number}");
        assert_eq!(client.call("GET", "/healthz", &[], "").await.1, "ok", "the connection goes on");
    }
}

#[tokio::test]
async fn a_closed_connection_cancels_the_upstream_requests_of_all_streams() {
    let mut provider =
        ScriptedProvider::start(|_| Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall)).await;
    let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = call(&mut client, &CHAT, true).await;
        stream.head().await;
        provider.next_received().await;
        streams.push(stream);
    }
    let left = Instant::now();
    client.abort();
    for number in 0..3 {
        let closed = provider.wait_closed(number).await;
        let took = closed.at.duration_since(left);
        assert!(closed.by_peer && took < CANCEL_DEADLINE, "{closed:?} after {took:?}");
    }
}

/// Repeated, because the loss depends on the timing of two tasks.
#[tokio::test]
async fn a_truncated_response_is_reset_after_its_last_byte() {
    let output = "x".repeat(40_000);
    let begun = Script::head(200, Framing::Chunked).chunk(output.clone());
    let mut provider = ScriptedProvider::start(move |_| begun.clone().then(Step::Close)).await;
    let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    for _ in 0..100 {
        let (head, body, end) = client.call("GET", PASSED_THROUGH, &[], "").await;
        assert_eq!(head.status(), 200);
        assert_eq!((body.len(), end), (output.len(), H2End::Reset(Reason::INTERNAL_ERROR)));
        provider.next_received().await;
    }
}

#[tokio::test]
async fn a_lost_upstream_is_not_a_clean_end() {
    let [first, second, _] = CHAT.events;
    let half = Script::head(200, Framing::ContentLength(9999)).chunk(CHAT.whole);
    for (streaming, script) in [(true, Script::sse_head().chunk(first).chunk(second)), (false, half)] {
        let provider = ScriptedProvider::start(move |_| script.clone().then(Step::Reset)).await;
        let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
        let mut stream = call(&mut client, &CHAT, streaming).await;
        let head = stream.head().await;
        let (body, end) = stream.read_to_end().await;
        if streaming {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let event = body.strip_prefix(&[first, second].concat()).unwrap_or_else(|| panic!("{body}"));
            CHAT.error_in(event);
        } else {
            assert_eq!((head.status().as_u16(), end), (502, H2End::Clean));
        }
    }
}
