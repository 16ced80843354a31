//! Streaming without delay: no event waits for the next one.

use crate::dialects::{DIALECTS, KEY};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Gate, RawClient, Script, ScriptedProvider, Step, request};

/// A script that sends `pieces`, with a gate before each and one before the end.
fn gated(pieces: &[&str]) -> (Vec<Gate>, Script) {
    let gates: Vec<Gate> = (0..=pieces.len()).map(|_| Gate::new()).collect();
    let pieces = gates.iter().zip(pieces);
    let script = pieces.fold(Script::sse_head(), |script, (gate, piece)| {
        script.then(Step::Await(gate.clone())).chunk(piece.to_string())
    });
    let script = script.then(Step::Await(gates[gates.len() - 1].clone())).then(Step::End);
    (gates, script)
}

#[tokio::test]
async fn each_event_is_relayed_before_the_next_is_sent() {
    for dialect in DIALECTS {
        let (gates, script) = gated(&dialect.events);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = dialect.send(gateway.address, true).await;

        assert_eq!(client.head().await.status, 200, "the head is there before the first event");
        for (gate, event) in gates.iter().zip(dialect.events) {
            gate.open();
            assert_eq!(client.read_until("\n\n").await, event);
        }
        gates[gates.len() - 1].wait_reached(1).await;
        assert_eq!(gateway.store.rows("aibridge_interceptions")[0]["outcome"], "completed");
        gates[gates.len() - 1].open();
        assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Clean));
    }
}

#[tokio::test]
async fn complete_events_do_not_wait_for_a_partial_event() {
    let [first, second, last] = DIALECTS[0].events;
    let (half, other_half) = second.split_at(second.len() / 2);
    let joined = format!("{first}{half}");
    let (gates, script) = gated(&[&joined, other_half, last]);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = DIALECTS[0].send(gateway.address, true).await;
    client.head().await;

    for (gate, whole) in gates.iter().zip([first, second, last]) {
        gate.open();
        assert_eq!(client.read_until("\n\n").await, whole);
    }
}

#[tokio::test]
async fn passthrough_responses_are_relayed_piece_by_piece() {
    let pieces = ["{\"ob", "ject\":", "1}"];
    let (gates, script) = gated(&pieces);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("GET", "/openai/v1/responses/r1?stream=true", &[], b"")).await;
    client.head().await;
    for (gate, piece) in gates.iter().zip(pieces) {
        gate.open();
        assert_eq!(client.read_until(piece).await, piece);
    }
}
