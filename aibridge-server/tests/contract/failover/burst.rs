//! Many concurrent requests while the first key fails.

use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, HINTS, KEYS};
use crate::harness::Harness;
use aibridge_testkit::{Gate, RawClient, ReceivedRequest, Response, Script, ScriptedProvider, Step};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;

const MANY: usize = 100;

/// Starts a hundred concurrent requests, each with its own body: chat and responses, blocking and streaming.
fn call_many(gateway: &Harness, round: usize) -> Vec<JoinHandle<Response>> {
    let call = |n: usize| {
        let (address, endpoint) = (gateway.address, &ENDPOINTS[n % 4]);
        let body = endpoint.body.replacen('{', &format!("{{\"round\":{round},\"n\":{n},"), 1);
        tokio::spawn(async move { RawClient::post(address, endpoint.target, &[], body).await })
    };
    (0..MANY).map(call).collect()
}

async fn assert_all_succeed(requests: Vec<JoinHandle<Response>>) {
    for (n, request) in requests.into_iter().enumerate() {
        let response = request.await.unwrap();
        assert_eq!((response.status(), response.text()), (200, ENDPOINTS[n % 4].response), "request {n}");
    }
}

/// The keys that each body was sent with.
fn keys_by_body(received: &[ReceivedRequest]) -> BTreeMap<String, Vec<&str>> {
    let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for request in received {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        keys.entry(body).or_default().extend(request.bearer());
    }
    keys
}

#[tokio::test]
async fn requests_in_flight_fail_over_when_the_first_key_fails() {
    for status in [429, 401] {
        let gate = Gate::new();
        let script_gate = gate.clone();
        let provider = ScriptedProvider::start(move |request| match request.bearer() {
            Some(key) if key == KEYS[0] => Script::new()
                .then(Step::Await(script_gate.clone()))
                .then(Step::Bytes(format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").into())),
            _ => Endpoint::of(request).good_response(),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        let requests = call_many(&gateway, 0);
        gate.wait_reached(MANY).await; // each of them waits for the response to the first key
        gate.open();
        assert_all_succeed(requests).await;

        let received = provider.received();
        let keys = keys_by_body(&received);
        assert_eq!(keys.len(), MANY);
        assert!(keys.values().all(|keys| *keys == KEYS[..2]), "{status}: no key twice: {keys:?}");

        assert_all_succeed(call_many(&gateway, 1)).await;
        let later = &provider.received()[received.len()..];
        assert!(later.iter().all(|request| request.bearer() == Some(KEYS[1])), "{status}: it is left alone");
        assert_eq!(later.len(), MANY);
        let rows = gateway.store.rows("aibridge_interceptions");
        let completed = rows.iter().filter(|row| row["outcome"] == "completed");
        assert_eq!(completed.filter(|row| row["credential_hint"] == HINTS[1]).count(), 2 * MANY);

        // A hundred 401s for one key are one event and do not double its cooldown.
        gateway.advance(Duration::from_secs(60));
        CHAT.call(&gateway, &[]).await;
        assert_eq!(provider.received()[3 * MANY].bearer(), Some(KEYS[0]), "{status}: after a minute again");
    }
}

#[tokio::test]
async fn requests_that_arrive_while_the_first_key_fails_succeed() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] && request.number >= 20 => Script::json(429, "{}"),
        _ => Endpoint::of(request).good_response(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    assert_all_succeed(call_many(&gateway, 0)).await;
    let received = provider.received();
    for (body, keys) in keys_by_body(&received) {
        assert!(keys == KEYS[..1] || keys == KEYS[1..2] || keys == KEYS[..2], "{body}: {keys:?}");
    }
}
