//! Nothing waits for what comes after it.

use crate::dialects::{DIALECTS, KEY};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Gate, RawClient, Script, ScriptedProvider, Step, request};

/// Sends `pieces`, with a gate before each and one before the end.
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
async fn every_event_reaches_the_client_before_the_next_exists() {
    for dialect in DIALECTS {
        let (gates, script) = gated(&dialect.events);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = dialect.send(gateway.address, true).await;

        assert_eq!(client.head().await.status, 200, "the head is there before the first event");
        for (gate, event) in gates.iter().zip(dialect.events) {
            gate.open();
            assert_eq!(client.until("\n\n").await, event);
        }
        gates[gates.len() - 1].reached(1).await;
        assert_eq!(gateway.store.rows("aibridge_interceptions")[0]["outcome"], "completed");
        gates[gates.len() - 1].open();
        assert_eq!(client.rest().await, ("".into(), BodyEnd::Clean));
    }
}

#[tokio::test]
async fn whole_events_do_not_wait_for_the_rest_of_half_an_event() {
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
        assert_eq!(client.until("\n\n").await, whole);
    }
}

#[tokio::test]
async fn what_is_passed_through_flows_too() {
    let pieces = ["{\"ob", "ject\":", "1}"];
    let (gates, script) = gated(&pieces);
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("GET", "/openai/v1/responses/r1?stream=true", &[], b"")).await;
    client.head().await;
    for (gate, piece) in gates.iter().zip(pieces) {
        gate.open();
        assert_eq!(client.until(piece).await, piece);
    }
}
