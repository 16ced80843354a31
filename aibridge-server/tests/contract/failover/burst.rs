//! Many requests at once while a key turns bad.

use crate::harness::Harness;
use crate::ways::{CHAT, HINTS, KEYS, WAYS, Way};
use aibridge_testkit::{Answer, Gate, RawClient, Received, Script, ScriptedProvider, Step};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;

const MANY: usize = 100;

/// A hundred requests at once, each with a body of its own: chat and responses, blocking and streaming.
fn ask_many(gateway: &Harness, round: usize) -> Vec<JoinHandle<Answer>> {
    let ask = |n: usize| {
        let (address, way) = (gateway.address, &WAYS[n % 4]);
        let body = way.body.replacen('{', &format!("{{\"round\":{round},\"n\":{n},"), 1);
        tokio::spawn(async move { RawClient::post(address, way.target, &[], body).await })
    };
    (0..MANY).map(ask).collect()
}

async fn assert_all_succeed(requests: Vec<JoinHandle<Answer>>) {
    for (n, request) in requests.into_iter().enumerate() {
        let answer = request.await.unwrap();
        assert_eq!((answer.status(), answer.text()), (200, WAYS[n % 4].answer), "request {n}");
    }
}

/// What each body was sent with.
fn keys_by_body(received: &[Received]) -> BTreeMap<String, Vec<&str>> {
    let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for request in received {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        keys.entry(body).or_default().extend(request.bearer());
    }
    keys
}

#[tokio::test]
async fn a_hundred_requests_are_under_way_when_the_first_key_turns_bad() {
    for status in [429, 401] {
        let gate = Gate::new();
        let held = gate.clone();
        let provider = ScriptedProvider::start(move |request| match request.bearer() {
            Some(key) if key == KEYS[0] => Script::new()
                .then(Step::Await(held.clone()))
                .then(Step::Bytes(format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").into())),
            _ => Way::of(request).good_answer(),
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
        let requests = ask_many(&gateway, 0);
        gate.reached(MANY).await; // each of them waits for the first key's answer
        gate.open();
        assert_all_succeed(requests).await;

        let received = provider.received();
        let keys = keys_by_body(&received);
        assert_eq!(keys.len(), MANY);
        assert!(keys.values().all(|keys| *keys == KEYS[..2]), "{status}: no key twice: {keys:?}");

        assert_all_succeed(ask_many(&gateway, 1)).await;
        let later = &provider.received()[received.len()..];
        assert!(later.iter().all(|request| request.bearer() == Some(KEYS[1])), "{status}: it is left alone");
        assert_eq!(later.len(), MANY);
        let rows = gateway.store.rows("aibridge_interceptions");
        let completed = rows.iter().filter(|row| row["outcome"] == "completed");
        assert_eq!(completed.filter(|row| row["credential_hint"] == HINTS[1]).count(), 2 * MANY);

        // A hundred times the same piece of news: a 401 has not doubled the cooldown.
        gateway.advance(Duration::from_secs(60));
        CHAT.ask(&gateway, &[]).await;
        assert_eq!(provider.received()[3 * MANY].bearer(), Some(KEYS[0]), "{status}: after a minute again");
    }
}

#[tokio::test]
async fn a_hundred_requests_come_while_the_first_key_turns_bad() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(key) if key == KEYS[0] && request.number >= 20 => Script::json(429, "{}"),
        _ => Way::of(request).good_answer(),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..2]).await;
    assert_all_succeed(ask_many(&gateway, 0)).await;
    let received = provider.received();
    for (body, keys) in keys_by_body(&received) {
        assert!(keys == KEYS[..1] || keys == KEYS[1..2] || keys == KEYS[..2], "{body}: {keys:?}");
    }
}
