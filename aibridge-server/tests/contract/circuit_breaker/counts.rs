//! The responses that count as failures, and their circuits.

use super::{Behavior, SETTINGS, Setup, assert_rejected};
use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS, OWN_BEARER};
use crate::harness::Harness;
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{Gate, RawClient, request};
use secrecy::ExposeSecret;
use std::time::Duration;

fn bridged_endpoints() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(|endpoint| endpoint.is_recorded)
}

#[tokio::test]
async fn consecutive_failures_of_every_kind_open_the_circuit() {
    for (behavior, more) in [
        (Behavior::RespondsWith(500), ""),
        (Behavior::RespondsWith(502), ""),
        (Behavior::RespondsWith(503), ""),
        (Behavior::RespondsWith(504), ""),
        (Behavior::RespondsWith(529), ""),
        (Behavior::RespondsWith(418), "failure_statuses = [418]\n"),
        (Behavior::Resets, ""),
        (Behavior::BreaksOff, ""),
        (Behavior::Stalls, ""),
    ] {
        for endpoint in bridged_endpoints() {
            let about = format!("{} {behavior:?}", endpoint.name);
            let timeout_scope = if matches!(behavior, Behavior::Stalls) { "50ms" } else { "600s" };
            let settings = format!("response_timeout = \"{timeout_scope}\"\n{SETTINGS}{more}");
            let setup = Setup::with(&KEYS[..1], &settings, "").await;
            setup.set_behavior(behavior.clone());
            for _ in 0..3 {
                assert!(setup.reaches_provider(endpoint).await, "{about}");
            }
            assert_rejected(&setup.gateway, &setup.call(endpoint, &[]).await, "30", &about);
        }
    }
}

#[tokio::test]
async fn truncation_after_the_last_event_is_no_failure() {
    for endpoint in bridged_endpoints().filter(|endpoint| !endpoint.response.starts_with('{')) {
        let setup = Setup::new().await;
        setup.set_behavior(Behavior::BreaksOffAtTheEnd);
        for _ in 0..6 {
            let (reached, response) = setup.call(endpoint, &[]).await;
            assert_eq!((reached, response.text()), (true, endpoint.response));
        }
    }
}

#[tokio::test]
async fn each_route_model_and_provider_has_its_own_circuit() {
    let other_provider = "[[provider]]\ntype = \"openai\"\nname = \"other\"\nkeys = [\"sk-other\"]\n";
    let setup = Setup::new().await;
    let base_url = setup.provider.base_url();
    let own = crate::harness::provider_settings(&base_url, &KEYS[..1]);
    let gateway =
        Harness::start(&format!("{own}{SETTINGS}{other_provider}base_url = \"{base_url}\"\n{SETTINGS}"))
            .await;
    let setup = Setup { gateway, ..setup };
    setup.open(CHAT).await;
    let others = [
        (CHAT.target, r#"{"model":"m2"}"#),
        (CHAT.target, "{}"),
        ("/openai/v1/responses", CHAT.body),
        ("/openai/v1/responses/compact", CHAT.body),
        ("/other/v1/chat/completions", CHAT.body),
        ("/openai/v1/conversations", "{}"),
    ];
    for (target, body) in others {
        let response = RawClient::post(setup.gateway.address, target, &[], body).await;
        assert_eq!(response.status(), 500, "{target} {body}: the provider's");
    }
    let stream = &ENDPOINTS[1];
    assert_rejected(&setup.gateway, &setup.call(stream, &[]).await, "30", "a stream is the same circuit");
}

#[tokio::test]
async fn key_and_request_errors_do_not_count() {
    for status in [400, 401, 403, 404, 422, 429, 501] {
        let settings = format!("{SETTINGS}interval = \"8000h\"\n");
        let setup = Setup::with(&KEYS, &settings, "").await;
        setup.set_behavior(Behavior::RespondsWith(status));
        for _ in 0..6 {
            assert!(setup.reaches_provider(CHAT).await, "{status}");
            setup.gateway.advance(Duration::from_secs(2 * 60 * 60)); // every cooldown is over
        }
    }
}

#[tokio::test]
async fn a_429_between_failures_neither_counts_nor_clears() {
    let settings = format!("{SETTINGS}interval = \"8000h\"\n");
    let setup = Setup::with(&KEYS[..1], &settings, "").await;
    for status in [500, 429, 500, 429, 500] {
        setup.gateway.advance(Duration::from_secs(60)); // the cooldown is over
        setup.set_behavior(Behavior::RespondsWith(status));
        assert!(setup.reaches_provider(CHAT).await);
    }
    assert_rejected(&setup.gateway, &setup.call(CHAT, &[]).await, "30", "three failures");
}

#[tokio::test]
async fn a_success_or_time_resets_the_failure_count() {
    let setup = Setup::new().await;
    for _ in 0..3 {
        setup.set_behavior(Behavior::RespondsWith(500));
        assert!(setup.reaches_provider(CHAT).await && setup.reaches_provider(CHAT).await);
        setup.set_behavior(Behavior::Succeeds);
        assert!(setup.reaches_provider(CHAT).await);
    }
    setup.set_behavior(Behavior::RespondsWith(500));
    for _ in 0..3 {
        assert!(setup.reaches_provider(CHAT).await && setup.reaches_provider(CHAT).await);
        setup.gateway.advance(Duration::from_secs(10));
    }
    setup.open(CHAT).await;
}

#[tokio::test]
async fn byok_failures_do_not_count_but_an_open_circuit_rejects_byok() {
    let setup = Setup::with(&KEYS[..1], SETTINGS, "[auth]\nmode = \"tokens\"\n").await;
    let path = setup.gateway.store.path().to_owned();
    let tokens = Tokens::open(&Options::new(path)).unwrap();
    let (_, token) = tokens.create("ann", None).unwrap();
    let token = [("X-AIBridge-Token", token.expose_secret())];
    let own = [token[0], ("Authorization", OWN_BEARER)];
    for behavior in [Behavior::RespondsWith(500), Behavior::Resets, Behavior::BreaksOff] {
        setup.set_behavior(behavior);
        for _ in 0..6 {
            assert!(setup.call(CHAT, &own).await.0);
        }
    }
    setup.set_behavior(Behavior::RespondsWith(500));
    for _ in 0..3 {
        assert!(setup.call(CHAT, &token).await.0, "it is closed for all others");
        setup.call(CHAT, &own).await;
    }
    setup.set_behavior(Behavior::Succeeds);
    let (reached, response) = setup.call(CHAT, &own).await;
    assert_eq!((reached, response.status()), (false, 503));

    setup.gateway.advance(super::TIMEOUT);
    let gate = Gate::new();
    setup.set_behavior(Behavior::WaitsBeforeHead(gate.clone()));
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = RawClient::connect(setup.gateway.address).await;
        client.send(&request("POST", CHAT.target, &own, CHAT.body.as_bytes())).await;
        clients.push(client);
    }
    gate.wait_reached(3).await; // more than the maximum number of probes
    setup.set_behavior(Behavior::RespondsWith(500));
    assert!(setup.call(CHAT, &token).await.0);
    assert!(!setup.call(CHAT, &token).await.0, "half-open until then: one failure opens it again");
}
