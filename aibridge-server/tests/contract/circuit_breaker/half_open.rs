//! When its time is over, a few find out whether things are well again.

use super::{Bench, Does, SETTINGS, TIMEOUT, assert_rejected};
use crate::ways::{CHAT, KEYS, WAYS, Way};
use aibridge_testkit::{Gate, RawClient, request, wait_until};

const STREAM: &Way = &WAYS[1];

/// Sends a request whose answer is not read yet.
async fn send(bench: &Bench, way: &Way) -> RawClient {
    let mut client = RawClient::connect(bench.gateway.address).await;
    client.send(&request("POST", way.target, &[], way.body.as_bytes())).await;
    client
}

/// Two trials that the provider does not answer before the gate opens: all places are taken.
async fn two_trials(bench: &Bench, gate: &Gate) -> [RawClient; 2] {
    bench.open(CHAT).await;
    bench.gateway.advance(TIMEOUT);
    bench.provider_does(Does::Waits(gate.clone()));
    let trials = [send(bench, CHAT).await, send(bench, CHAT).await];
    gate.reached(2).await;
    assert_rejected(&bench.gateway, &bench.ask(CHAT, &[]).await, "1", "a third");
    trials
}

#[tokio::test]
async fn as_many_successes_as_trials_close_it() {
    let bench = Bench::new().await;
    let gate = Gate::new();
    let trials = two_trials(&bench, &gate).await;
    gate.open();
    for mut trial in trials {
        assert_eq!(trial.head().await.status, 200);
        trial.rest().await;
    }
    bench.provider_does(Does::Answers(500));
    for _ in 0..3 {
        assert!(bench.reaches(CHAT).await, "closed: it takes three failures again");
    }
    assert!(!bench.reaches(CHAT).await);
}

#[tokio::test]
async fn one_failure_opens_it_again_for_its_time() {
    for does in [Does::Answers(500), Does::Resets, Does::BreaksOff] {
        for way in [CHAT, STREAM] {
            let settings = SETTINGS.replace("max_requests = 2", "max_requests = 1");
            for settings in [SETTINGS, &settings] {
                let bench = Bench::with(&KEYS[..1], settings, "").await;
                bench.open(CHAT).await;
                bench.gateway.advance(TIMEOUT);
                bench.provider_does(does.clone());
                assert!(bench.reaches(way).await, "{does:?}");
                bench.provider_does(Does::Well);
                assert_rejected(&bench.gateway, &bench.ask(way, &[]).await, "30", &format!("{does:?}"));
            }
        }
    }
}

#[tokio::test]
async fn a_trial_whose_client_leaves_gives_its_place_back() {
    let bench = Bench::new().await;
    let gate = Gate::new();
    let [left, mut stays] = two_trials(&bench, &gate).await;
    drop(left);
    let cancelled =
        || bench.gateway.store.rows("aibridge_interceptions").iter().any(|row| row["outcome"] == "cancelled");
    wait_until(cancelled, "the client to be gone").await;
    bench.provider_does(Does::Well);
    assert!(bench.reaches(CHAT).await, "a success, and the place is free again");
    gate.open();
    stays.head().await;
    stays.rest().await;
    bench.provider_does(Does::Answers(500));
    assert!(bench.reaches(CHAT).await && bench.reaches(CHAT).await, "two successes closed it");
}

#[tokio::test]
async fn a_trial_that_streams_keeps_no_place_but_counts_at_its_end() {
    let bench = Bench::new().await;
    bench.open(CHAT).await;
    bench.gateway.advance(TIMEOUT);
    let gate = Gate::new();
    bench.provider_does(Does::Begins(gate.clone()));
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut client = send(&bench, STREAM).await;
        assert_eq!(client.head().await.status, 200);
        streams.push(client);
    }
    bench.provider_does(Does::Answers(500));
    assert!(bench.reaches(CHAT).await);
    assert!(!bench.reaches(CHAT).await, "it was still half-open");
    gate.open();
    for mut stream in streams {
        assert_eq!(stream.rest().await.0, STREAM.answer, "what had begun goes on");
    }
    assert!(!bench.reaches(CHAT).await, "what began before says nothing about now");
}
