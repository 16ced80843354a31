//! The half-open state: probes, their permits and their results.

use super::{Behavior, SETTINGS, Setup, TIMEOUT, assert_rejected};
use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS};
use aibridge_testkit::{Gate, RawClient, request, wait_until};

const STREAM: &Endpoint = &ENDPOINTS[1];

/// Sends a request and does not read its response.
async fn send(setup: &Setup, endpoint: &Endpoint) -> RawClient {
    let mut client = RawClient::connect(setup.gateway.address).await;
    client.send(&request("POST", endpoint.target, &[], endpoint.body.as_bytes())).await;
    client
}

/// Starts two probes that the provider holds until the gate opens, so that no probe permit is free.
async fn start_two_probes(setup: &Setup, gate: &Gate) -> [RawClient; 2] {
    setup.open(CHAT).await;
    setup.gateway.advance(TIMEOUT);
    setup.set_behavior(Behavior::WaitsBeforeHead(gate.clone()));
    let probes = [send(setup, CHAT).await, send(setup, CHAT).await];
    gate.wait_reached(2).await;
    assert_rejected(&setup.gateway, &setup.call(CHAT, &[]).await, "1", "a third");
    probes
}

#[tokio::test]
async fn as_many_successes_as_probes_close_the_circuit() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    let probes = start_two_probes(&setup, &gate).await;
    gate.open();
    for mut probe in probes {
        assert_eq!(probe.head().await.status, 200);
        probe.read_to_end().await;
    }
    setup.set_behavior(Behavior::RespondsWith(500));
    for _ in 0..3 {
        assert!(setup.reaches_provider(CHAT).await, "closed: it takes three failures again");
    }
    assert!(!setup.reaches_provider(CHAT).await);
}

#[tokio::test]
async fn one_failed_probe_opens_the_circuit_again() {
    for behavior in [Behavior::RespondsWith(500), Behavior::Resets, Behavior::BreaksOff] {
        for endpoint in [CHAT, STREAM] {
            let settings = SETTINGS.replace("max_requests = 2", "max_requests = 1");
            for settings in [SETTINGS, &settings] {
                let setup = Setup::with(&KEYS[..1], settings, "").await;
                setup.open(CHAT).await;
                setup.gateway.advance(TIMEOUT);
                setup.set_behavior(behavior.clone());
                assert!(setup.reaches_provider(endpoint).await, "{behavior:?}");
                setup.set_behavior(Behavior::Succeeds);
                assert_rejected(
                    &setup.gateway,
                    &setup.call(endpoint, &[]).await,
                    "30",
                    &format!("{behavior:?}"),
                );
            }
        }
    }
}

#[tokio::test]
async fn an_abandoned_probe_releases_its_permit() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    let [left, mut stays] = start_two_probes(&setup, &gate).await;
    drop(left);
    let cancelled =
        || setup.gateway.store.rows("aibridge_interceptions").iter().any(|row| row["outcome"] == "cancelled");
    wait_until(cancelled, "the disconnect to be recorded").await;
    setup.set_behavior(Behavior::Succeeds);
    assert!(setup.reaches_provider(CHAT).await, "a success, and the place is free again");
    gate.open();
    stays.head().await;
    stays.read_to_end().await;
    setup.set_behavior(Behavior::RespondsWith(500));
    assert!(
        setup.reaches_provider(CHAT).await && setup.reaches_provider(CHAT).await,
        "two successes closed it"
    );
}

#[tokio::test]
async fn a_streaming_probe_releases_its_permit_at_the_head_and_counts_at_its_end() {
    let setup = Setup::new().await;
    setup.open(CHAT).await;
    setup.gateway.advance(TIMEOUT);
    let gate = Gate::new();
    setup.set_behavior(Behavior::WaitsAfterHead(gate.clone()));
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut client = send(&setup, STREAM).await;
        assert_eq!(client.head().await.status, 200);
        streams.push(client);
    }
    setup.set_behavior(Behavior::RespondsWith(500));
    assert!(setup.reaches_provider(CHAT).await);
    assert!(!setup.reaches_provider(CHAT).await, "it was still half-open");
    gate.open();
    for mut stream in streams {
        assert_eq!(stream.read_to_end().await.0, STREAM.response, "the open stream continues");
    }
    assert!(!setup.reaches_provider(CHAT).await, "an earlier success does not close the circuit");
}
