//! What holds of an answer holds of an HTTP/2 stream.

use super::{ask, gateway_and_client};
use crate::dialects::{CHAT, DIALECTS, Dialect};
use aibridge_testkit::{Framing, Gate, H2End, Script, ScriptedProvider, Step, wait_for};
use h2::Reason;
use std::time::Duration;
use tokio::time::Instant;

/// What the contract allows between the client's leaving and the end of the upstream connection.
const AT_ONCE: Duration = Duration::from_millis(250);

const PASSED_THROUGH: &str = "/openai/v1/responses/r1";

#[tokio::test]
async fn bytes_pass_as_they_are_both_ways() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let (gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    for dialect in DIALECTS {
        for streaming in [false, true] {
            let mut stream = ask(&mut client, dialect, streaming).await;
            let head = stream.head().await;
            assert_eq!(head.status(), 200);
            assert_eq!(stream.rest().await, (dialect.answer(streaming).into(), H2End::Clean));
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
async fn every_event_reaches_the_client_before_the_next_exists() {
    for dialect in DIALECTS {
        let gates: Vec<Gate> = (0..=dialect.events.len()).map(|_| Gate::new()).collect();
        let script = gates.iter().zip(dialect.events).fold(Script::sse_head(), |script, (gate, event)| {
            script.then(Step::Await(gate.clone())).chunk(event)
        });
        let script = script.then(Step::Await(gates[gates.len() - 1].clone())).then(Step::End);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
        let mut stream = ask(&mut client, dialect, true).await;
        assert_eq!(stream.head().await.status(), 200, "the head is there before the first event");
        for (gate, event) in gates.iter().zip(dialect.events) {
            gate.open();
            assert_eq!(stream.until("\n\n").await, event);
        }
        gates[gates.len() - 1].open();
        assert_eq!(stream.rest().await, ("".into(), H2End::Clean));
    }
}

#[tokio::test]
async fn a_client_that_resets_a_stream_frees_its_upstream_at_once() {
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
        let mut stream = ask(&mut client, &CHAT, streaming).await;
        provider.next_received().await;
        if streaming && !begun.steps.is_empty() {
            stream.head().await;
            if begun.steps.len() > 1 {
                stream.until(second).await;
            }
        }
        let left = Instant::now();
        stream.cancel();
        let closed = provider.closed(0).await;
        let took = closed.at.duration_since(left);
        assert!(closed.by_peer && took < AT_ONCE, "{number}: {closed:?} after {took:?}");
        let ended = || {
            let rows = gateway.store().rows("aibridge_interceptions");
            rows.into_iter().find(|row| row["ended_at"].is_string())
        };
        let row = wait_for(ended, "the interception to end").await;
        assert_eq!(row["outcome"], "cancelled", "{number}");
        assert_eq!(client.ask("GET", "/healthz", &[], "").await.1, "ok", "the connection goes on");
    }
}

#[tokio::test]
async fn a_client_that_leaves_with_all_its_streams_frees_their_upstreams() {
    let mut provider =
        ScriptedProvider::start(|_| Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall)).await;
    let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = ask(&mut client, &CHAT, true).await;
        stream.head().await;
        provider.next_received().await;
        streams.push(stream);
    }
    let left = Instant::now();
    client.leave();
    for number in 0..3 {
        let closed = provider.closed(number).await;
        let took = closed.at.duration_since(left);
        assert!(closed.by_peer && took < AT_ONCE, "{closed:?} after {took:?}");
    }
}

/// Again and again, because what is lost is lost between two tasks.
#[tokio::test]
async fn an_answer_that_breaks_off_is_reset_behind_all_that_came_before() {
    let said = "x".repeat(40_000);
    let begun = Script::head(200, Framing::Chunked).chunk(said.clone());
    let mut provider = ScriptedProvider::start(move |_| begun.clone().then(Step::Close)).await;
    let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    for _ in 0..100 {
        let (head, body, end) = client.ask("GET", PASSED_THROUGH, &[], "").await;
        assert_eq!(head.status(), 200);
        assert_eq!((body.len(), end), (said.len(), H2End::Reset(Reason::INTERNAL_ERROR)));
        provider.next_received().await;
    }
}

#[tokio::test]
async fn a_lost_upstream_never_looks_like_a_clean_end() {
    let [first, second, _] = CHAT.events;
    let half = Script::head(200, Framing::ContentLength(9999)).chunk(CHAT.whole);
    for (streaming, script) in [(true, Script::sse_head().chunk(first).chunk(second)), (false, half)] {
        let provider = ScriptedProvider::start(move |_| script.clone().then(Step::Reset)).await;
        let (_gateway, mut client) = gateway_and_client(&provider.base_url()).await;
        let mut stream = ask(&mut client, &CHAT, streaming).await;
        let head = stream.head().await;
        let (body, end) = stream.rest().await;
        if streaming {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let event = body.strip_prefix(&[first, second].concat()).unwrap_or_else(|| panic!("{body}"));
            CHAT.error_in(event);
        } else {
            assert_eq!((head.status().as_u16(), end), (502, H2End::Clean));
        }
    }
}
