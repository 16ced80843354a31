//! Reloading settings while the gateway serves.

mod files;
mod rules;

use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::provider_settings;
use aibridge_testkit::{
    BodyEnd, Gate, Gateway, Launch, RawClient, ReceivedRequest, Script, ScriptedProvider, request,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const NEXT_KEY: &str = "sk-next-0123456789abcdef";

pub(crate) fn launch(settings: String) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

/// Replaces the file at `path` atomically.
pub(crate) fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// Replaces the settings, and waits until the log has `message`.
pub(crate) async fn settings(gateway: &Gateway, text: &str, message: &str) {
    replace(&gateway.launch().config_path(), text);
    gateway.wait_for_output(message).await;
}

fn named(name: &str, base_url: &str, keys: &[&str]) -> String {
    provider_settings(base_url, keys).replace("type", &format!("name = \"{name}\"\ntype"))
}

async fn call(gateway: &Gateway, target: &str) -> u16 {
    RawClient::post(gateway.address(), target, &[], CHAT.blocking).await.status()
}

fn keys(requests: &[ReceivedRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.header("authorization").unwrap()).collect()
}

/// A provider that begins every stream and continues when the gate opens.
async fn gated_provider(gate: &Gate) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |request| {
        if request.json()["stream"] != true {
            return CHAT.script(false);
        }
        CHAT.held_stream(&gate)
    })
    .await
}

#[tokio::test]
async fn open_streams_continue_with_their_settings() {
    let gate = Gate::new();
    let provider = gated_provider(&gate).await;
    let base_url = provider.base_url();
    let launch = launch(provider_settings(&base_url, &[KEY]) + &named("gone", &base_url, &[KEY]));
    let gateway = launch.start().await;
    let mut streams = Vec::new();
    for target in ["/openai/v1/chat/completions", "/gone/v1/chat/completions"] {
        let mut client = RawClient::connect(gateway.address()).await;
        client.send(&request("POST", target, &[], CHAT.stream.as_bytes())).await;
        assert_eq!(client.head().await.status, 200);
        client.read_until(CHAT.events[0]).await;
        streams.push(client);
    }
    let next = provider_settings(&base_url, &[NEXT_KEY]) + &named("new", &base_url, &[NEXT_KEY]);
    settings(&gateway, &next, "settings reloaded").await;
    gateway
        .wait_for_output(
            r#"added=["new (sk-n...cdef)"] removed=["gone"] changed=["openai (sk-n...cdef): keys"]"#,
        )
        .await;

    assert_eq!(call(&gateway, "/openai/v1/chat/completions").await, 200);
    assert_eq!(call(&gateway, "/new/v1/chat/completions").await, 200);
    assert_eq!(call(&gateway, "/gone/v1/chat/completions").await, 404);
    gate.open();
    for client in &mut streams {
        assert_eq!(client.read_to_end().await, (CHAT.events[1..].concat().into(), BodyEnd::Clean));
    }
    let (old, new) = (format!("Bearer {KEY}"), format!("Bearer {NEXT_KEY}"));
    assert_eq!(keys(&provider.received()), [&old, &old, &new, &new]);
    let log = gateway.stderr();
    assert!(!log.contains(KEY) && !log.contains(NEXT_KEY), "{log}");
    let store = gateway.store();
    gateway.terminate();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
    let rows = store.rows("aibridge_interceptions");
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "completed").count(), 4);
}

#[tokio::test]
async fn a_cooldown_survives_a_reload() {
    let provider = ScriptedProvider::start(|request| {
        if request.header("authorization") == Some(&format!("Bearer {KEY}")) {
            return Script::json(429, "{}").header("Retry-After", "1000");
        }
        CHAT.script(false)
    })
    .await;
    let base_url = provider.base_url();
    let gateway = launch(provider_settings(&base_url, &[KEY, "other-key"])).start().await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
    assert_eq!(provider.received().len(), 2, "the first key is refused");

    let changed = provider_settings(&base_url, &[KEY, NEXT_KEY]) + "send_actor_headers = true\n";
    settings(&gateway, &changed, ": keys, send_actor_headers\"]").await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
    let more = changed + &named("more", &base_url, &[KEY]);
    settings(&gateway, &more, "added=[\"more").await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
    let next = format!("Bearer {NEXT_KEY}");
    assert_eq!(keys(&provider.received())[2..], [&next, &next], "the first key is not tried again");
    assert_eq!(call(&gateway, "/more/v1/chat/completions").await, 429, "a new provider has no cooldown");
}

#[tokio::test]
async fn no_request_fails_during_reloads() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let base_url = provider.base_url();
    let gateway = launch(provider_settings(&base_url, &[KEY])).start().await;
    let done = Arc::new(AtomicBool::new(false));
    let asking = REQUESTS.map(|(dialect, streaming)| {
        let (address, done) = (gateway.address(), done.clone());
        tokio::spawn(async move {
            let mut client = RawClient::connect(address).await;
            let mut requests = 0;
            while !done.load(Ordering::Relaxed) {
                let body = dialect.request(streaming).as_bytes();
                let response = client.call(&request("POST", dialect.target, &[], body)).await;
                assert_eq!((response.status(), response.end), (200, BodyEnd::Clean), "{response:?}");
                assert_eq!(response.text(), dialect.response(streaming));
                requests += 1;
            }
            requests
        })
    });
    let path = gateway.launch().config_path();
    for round in 1..=20 {
        let keys = [KEY, NEXT_KEY, "third-key"];
        let text = provider_settings(&base_url, &keys[..round % 2 + 1]);
        replace(&path, &(text + &named(&format!("n{round}"), &base_url, &[])));
        gateway.hang_up();
        let added = format!("added=[\"n{round} (no keys)\"]");
        gateway.wait_for_output(&added).await;
    }
    done.store(true, Ordering::Relaxed);
    for asking in asking {
        assert!(asking.await.unwrap() > 0);
    }
    gateway.terminate();
    assert_eq!(gateway.wait_exit().await.status.code(), Some(0));
}
