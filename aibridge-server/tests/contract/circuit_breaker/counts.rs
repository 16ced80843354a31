//! What is a failure, what is none, and whose.

use super::{Bench, Does, SETTINGS, assert_rejected};
use crate::harness::Harness;
use crate::ways::{CHAT, KEYS, OWN_BEARER, WAYS, Way};
use aibridge_store::{Durability, Options, Tokens};
use aibridge_testkit::{Gate, RawClient, request};
use secrecy::ExposeSecret;
use std::time::Duration;

fn bridged() -> impl Iterator<Item = &'static Way> {
    WAYS.iter().filter(|way| way.is_recorded)
}

#[tokio::test]
async fn failures_in_a_row_open_it_whatever_their_kind() {
    for (does, more) in [
        (Does::Answers(500), ""),
        (Does::Answers(502), ""),
        (Does::Answers(503), ""),
        (Does::Answers(504), ""),
        (Does::Answers(529), ""),
        (Does::Answers(418), "failure_statuses = [418]\n"),
        (Does::Resets, ""),
        (Does::BreaksOff, ""),
        (Does::Stalls, ""),
    ] {
        for way in bridged() {
            let about = format!("{} {does:?}", way.name);
            let timeout_scope = if matches!(does, Does::Stalls) { "50ms" } else { "600s" };
            let settings = format!("response_timeout = \"{timeout_scope}\"\n{SETTINGS}{more}");
            let bench = Bench::with(&KEYS[..1], &settings, "").await;
            bench.provider_does(does.clone());
            for _ in 0..3 {
                assert!(bench.reaches(way).await, "{about}");
            }
            assert_rejected(&bench.gateway, &bench.ask(way, &[]).await, "30", &about);
        }
    }
}

#[tokio::test]
async fn what_breaks_off_behind_its_last_event_is_no_failure() {
    for way in bridged().filter(|way| !way.answer.starts_with('{')) {
        let bench = Bench::new().await;
        bench.provider_does(Does::BreaksOffAtTheEnd);
        for _ in 0..6 {
            let (reached, answer) = bench.ask(way, &[]).await;
            assert_eq!((reached, answer.text()), (true, way.answer));
        }
    }
}

#[tokio::test]
async fn each_route_model_and_provider_has_its_own() {
    let other_provider = "[[provider]]\ntype = \"openai\"\nname = \"other\"\nkeys = [\"sk-other\"]\n";
    let bench = Bench::new().await;
    let base_url = bench.provider.base_url();
    let own = crate::harness::provider_settings(&base_url, &KEYS[..1]);
    let gateway =
        Harness::start(&format!("{own}{SETTINGS}{other_provider}base_url = \"{base_url}\"\n{SETTINGS}"))
            .await;
    let bench = Bench { gateway, ..bench };
    bench.open(CHAT).await;
    let others = [
        (CHAT.target, r#"{"model":"m2"}"#),
        (CHAT.target, "{}"),
        ("/openai/v1/responses", CHAT.body),
        ("/openai/v1/responses/compact", CHAT.body),
        ("/other/v1/chat/completions", CHAT.body),
        ("/openai/v1/conversations", "{}"),
    ];
    for (target, body) in others {
        let answer = RawClient::post(bench.gateway.address, target, &[], body).await;
        assert_eq!(answer.status(), 500, "{target} {body}: the provider's");
    }
    let stream = &WAYS[1];
    assert_rejected(&bench.gateway, &bench.ask(stream, &[]).await, "30", "a stream is the same circuit");
}

#[tokio::test]
async fn what_is_about_a_key_or_a_request_does_not_count() {
    for status in [400, 401, 403, 404, 422, 429, 501] {
        let settings = format!("{SETTINGS}interval = \"8000h\"\n");
        let bench = Bench::with(&KEYS, &settings, "").await;
        bench.provider_does(Does::Answers(status));
        for _ in 0..6 {
            assert!(bench.reaches(CHAT).await, "{status}");
            bench.gateway.advance(Duration::from_secs(2 * 60 * 60)); // every key has rested
        }
    }
}

#[tokio::test]
async fn a_429_between_failures_neither_counts_nor_clears() {
    let settings = format!("{SETTINGS}interval = \"8000h\"\n");
    let bench = Bench::with(&KEYS[..1], &settings, "").await;
    for status in [500, 429, 500, 429, 500] {
        bench.gateway.advance(Duration::from_secs(60)); // the key has rested
        bench.provider_does(Does::Answers(status));
        assert!(bench.reaches(CHAT).await);
    }
    assert_rejected(&bench.gateway, &bench.ask(CHAT, &[]).await, "30", "three failures");
}

#[tokio::test]
async fn a_success_clears_failures_and_so_does_time() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        bench.provider_does(Does::Answers(500));
        assert!(bench.reaches(CHAT).await && bench.reaches(CHAT).await);
        bench.provider_does(Does::Well);
        assert!(bench.reaches(CHAT).await);
    }
    bench.provider_does(Does::Answers(500));
    for _ in 0..3 {
        assert!(bench.reaches(CHAT).await && bench.reaches(CHAT).await);
        bench.gateway.advance(Duration::from_secs(10));
    }
    bench.open(CHAT).await;
}

#[tokio::test]
async fn what_a_clients_own_key_causes_does_not_count_but_an_open_circuit_is_open_for_it_too() {
    let bench = Bench::with(&KEYS[..1], SETTINGS, "[auth]\nmode = \"tokens\"\n").await;
    let path = bench.gateway.store.path().to_owned();
    let tokens = Tokens::open(&Options { path, durability: Durability::Process }).unwrap();
    let (_, token) = tokens.create("ann", None).unwrap();
    let token = [("X-AIBridge-Token", token.expose_secret())];
    let own = [token[0], ("Authorization", OWN_BEARER)];
    for does in [Does::Answers(500), Does::Resets, Does::BreaksOff] {
        bench.provider_does(does);
        for _ in 0..6 {
            assert!(bench.ask(CHAT, &own).await.0);
        }
    }
    bench.provider_does(Does::Answers(500));
    for _ in 0..3 {
        assert!(bench.ask(CHAT, &token).await.0, "it is closed for all others");
        bench.ask(CHAT, &own).await;
    }
    bench.provider_does(Does::Well);
    let (reached, answer) = bench.ask(CHAT, &own).await;
    assert_eq!((reached, answer.status()), (false, 503));

    bench.gateway.advance(super::TIMEOUT);
    let gate = Gate::new();
    bench.provider_does(Does::Waits(gate.clone()));
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = RawClient::connect(bench.gateway.address).await;
        client.send(&request("POST", CHAT.target, &own, CHAT.body.as_bytes())).await;
        clients.push(client);
    }
    gate.reached(3).await; // more than there are places for trials
    bench.provider_does(Does::Answers(500));
    assert!(bench.ask(CHAT, &token).await.0);
    assert!(!bench.ask(CHAT, &token).await.0, "half-open until then: one failure opens it again");
}
