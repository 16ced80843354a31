//! The five promises, seen from outside.

use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{
    BodyEnd, Gate, Launch, RawClient, Script, ScriptedProvider, Step, Store, all_fixtures, fixtures_dir,
    request, wait_until,
};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const KEY: &str = "sk-0123456789abcdefghij";
const CHAT: &str = "/openai/v1/chat/completions";
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
const BLOCKING: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
const ANSWER: &str = r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
const DELTA: &str = "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn answer_for(stream: bool) -> Script {
    if stream { Script::sse([DELTA, USAGE, DONE].concat()) } else { Script::json(200, ANSWER) }
}

fn usage_rows(store: &Store, id: &str) -> usize {
    store.rows_of("aibridge_token_usages", id).len()
}

/// Takes the store's write lock, as another program might.
fn lock(store: &Store) -> Connection {
    let connection = Connection::open(store.path()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn every_recording_is_relayed_byte_for_byte_however_it_is_cut() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/fixtures");
    let recordings: Vec<_> =
        [Some(own), fixtures_dir()].into_iter().flatten().flat_map(|dir| all_fixtures(&dir)).collect();
    assert!(recordings.len() >= 3, "the repository has recordings of its own");
    for (name, fixture) in recordings {
        for section in ["streaming", "non-streaming"] {
            let Some(answer) = fixture.get(section) else { continue };
            let target = if name.contains("chat") { CHAT } else { "/openai/v1/responses" };
            let streaming = section == "streaming";
            let body = with_stream(fixture.section("request"), streaming);
            let whole = Script::recorded(answer);
            check_lossless(&name, target, &body, answer, whole.clone()).await;
            if streaming && answer.len() < 20_000 {
                let cut =
                    Script::sse_head().then(Step::OneByteAtATime(answer.to_owned().into())).then(Step::End);
                check_lossless(&name, target, &body, answer, cut).await;
            }
        }
    }
}

/// The request with `stream` as the answer needs it; recordings hold one request for both.
fn with_stream(recorded: &str, streaming: bool) -> String {
    let mut body: serde_json::Value = serde_json::from_str(recorded).unwrap();
    if body["stream"].as_bool().unwrap_or_default() != streaming {
        body["stream"] = streaming.into();
        return body.to_string();
    }
    recorded.to_owned()
}

async fn check_lossless(name: &str, target: &str, body: &str, answer: &str, script: Script) {
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
    let own_key = ("Authorization", "Bearer sk-0123456789abcdefghij");
    let got = RawClient::post(gateway.address, target, &[own_key], body).await;

    assert_eq!(got.end, BodyEnd::Clean, "{name}");
    let sent = String::from_utf8(provider.received()[0].body.to_vec()).unwrap();
    let splice = "\"stream_options\":{\"include_usage\":true},";
    assert_eq!(sent.replacen(splice, "", 1), body, "{name}: the request");
    let expected: String = match answer.strip_prefix("HTTP/") {
        Some(with_head) => with_head.split_once("\n\n").unwrap().1.to_owned(),
        None if sent.contains(splice) => answer
            .split_inclusive("\n\n")
            .filter(|event| !(event.contains("\"choices\":[],") && event.contains("\"usage\":{")))
            .collect(),
        None => answer.to_owned(),
    };
    assert_eq!(got.text(), expected, "{name}: the answer");
    check_usage(name, &gateway.store, got.header("x-aibridge-interception-id").unwrap(), answer);
}

/// The row says what the recording says: the last `usage` object in it.
fn check_usage(name: &str, store: &Store, id: &str, answer: &str) {
    let told = answer.rfind("\"usage\"").map(|at| answer[at + 7..].trim_start_matches([':', ' ']));
    let told = told.filter(|text| text.starts_with('{')).map(|text| {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        values.next().unwrap().unwrap()
    });
    let rows = store.rows_of("aibridge_token_usages", id);
    match told {
        None => assert!(rows.is_empty(), "{name}"),
        Some(usage) => {
            let output = usage.get("completion_tokens").or(usage.get("output_tokens")).unwrap();
            assert_eq!((rows.len(), &rows[0]["output_tokens"]), (1, output), "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_leaves_without_a_record() {
    let store: Arc<OnceLock<Store>> = Arc::default();
    let seen = store.clone();
    let provider = ScriptedProvider::start(move |_| {
        let store = seen.get().unwrap();
        let interceptions = store.rows("aibridge_interceptions");
        assert_eq!(interceptions[0]["ended_at"], serde_json::Value::Null);
        assert_eq!(store.rows("aibridge_user_prompts")[0]["prompt"], "hello");
        Script::json(200, format!("{{\"rows\":{}}}", interceptions.len()))
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    assert!(store.set(Store::new(gateway.store.path())).is_ok());
    let answer = RawClient::post(gateway.address, CHAT, &[], BLOCKING).await;
    assert_eq!(answer.json()["rows"], 1, "the provider's script saw the row");
}

#[tokio::test]
async fn a_store_that_refuses_the_start_refuses_the_request() {
    let provider = ScriptedProvider::start(|_| answer_for(false)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let held = lock(&gateway.store);
    let asked = Instant::now();
    let answer = RawClient::post(gateway.address, CHAT, &[], BLOCKING).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "the contract says within 2 s: {:?}", asked.elapsed());
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
    assert!(provider.received().is_empty(), "the provider never hears of it");
    drop(held);
    assert_eq!(RawClient::post(gateway.address, CHAT, &[], BLOCKING).await.status(), 200);
}

#[tokio::test]
async fn a_store_that_refuses_the_end_holds_the_last_bytes() {
    for (stream, body) in [(false, BLOCKING), (true, STREAM)] {
        let gate = Gate::new();
        let held_back = gate.clone();
        let provider = ScriptedProvider::start(move |_| match stream {
            true => Script::sse_head()
                .chunk(DELTA)
                .then(Step::Await(held_back.clone()))
                .chunk([USAGE, DONE].concat())
                .then(Step::End),
            false => {
                Script { steps: [vec![Step::Await(held_back.clone())], answer_for(false).steps].concat() }
            }
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", CHAT, &[], body.as_bytes())).await;
        gate.reached(1).await;
        let held = lock(&gateway.store);
        gate.open();
        // Its writer takes one after the other: when it has given up this start, it has tried that end.
        let refused = RawClient::post(gateway.address, CHAT, &[], BLOCKING).await;
        assert_eq!(refused.header("x-aibridge-error"), Some("recorder_unavailable"));
        let head = match stream {
            true => {
                let head = client.head().await;
                assert_eq!(client.until("hi").await, DELTA, "what is not the end goes on");
                assert!(timeout(Duration::ZERO, client.piece()).await.is_err(), "the end is held");
                drop(held);
                head
            }
            false => {
                assert!(timeout(Duration::ZERO, client.try_head()).await.is_err(), "the answer is held");
                drop(held);
                client.head().await
            }
        };
        let (rest, end) = client.rest().await;
        let rest = String::from_utf8(rest.to_vec()).unwrap();
        assert_eq!((end, rest.ends_with(if stream { DONE } else { ANSWER })), (BodyEnd::Clean, true));
        assert_eq!(usage_rows(&gateway.store, head.header("x-aibridge-interception-id").unwrap()), 1);
    }
}

#[tokio::test]
async fn the_record_is_there_when_the_client_has_the_last_byte_under_load() {
    let provider = ScriptedProvider::start(|request| answer_for(request.json()["stream"] == true)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let (address, path) = (gateway.address, gateway.store.path().to_owned());
    let clients = (0..16).map(|n| {
        let store = Store::new(path.clone());
        tokio::spawn(async move {
            for round in 0..8 {
                let (body, last) = if (n + round) % 2 == 0 { (STREAM, DONE) } else { (BLOCKING, ANSWER) };
                let mut client = RawClient::connect(address).await;
                client.send(&request("POST", CHAT, &[], body.as_bytes())).await;
                let head = client.head().await;
                client.until(last.trim_end()).await;
                let id = head.header("x-aibridge-interception-id").unwrap();
                assert_eq!(usage_rows(&store, id), 1);
                assert_eq!(store.interception(id).unwrap()["outcome"], "completed");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_gateway_has_recorded_what_a_client_received_whole() {
    let gate = Gate::new();
    let never = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 => answer_for(true),
        _ => Script::sse_head().chunk(DELTA).then(Step::Await(never.clone())),
    })
    .await;
    let launch =
        Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(provider_settings(&provider.base_url(), &[KEY]));
    let gateway = launch.start().await;
    let mut open = RawClient::connect(gateway.address()).await;
    let mut whole = RawClient::connect(gateway.address()).await;
    whole.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    let whole_head = whole.head().await;
    open.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    let open_head = open.head().await;
    gate.reached(1).await;
    whole.until("[DONE]").await;
    gateway.kill().await;

    let again = launch.start().await;
    let store = again.store();
    let whole_id = whole_head.header("x-aibridge-interception-id").unwrap();
    assert_eq!(
        (usage_rows(&store, whole_id), &store.interception(whole_id).unwrap()["outcome"]),
        (1, &"completed".into())
    );
    let crashed = store.interception(open_head.header("x-aibridge-interception-id").unwrap()).unwrap();
    assert_eq!((&crashed["outcome"], &crashed["error_type"]), (&"failed".into(), &"gateway_crash".into()));
}

#[tokio::test]
async fn every_event_reaches_the_client_before_the_next_is_sent() {
    let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
    let held = gates.clone();
    let provider = ScriptedProvider::start(move |_| {
        held.iter()
            .fold(Script::sse_head(), |script, gate| script.chunk(DELTA).then(Step::Await(gate.clone())))
            .chunk(DONE)
            .then(Step::End)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    client.head().await;
    for gate in gates {
        assert_eq!(client.until("\n\n").await, DELTA);
        gate.open();
    }
    assert_eq!(client.rest().await, (DONE.into(), BodyEnd::Clean));
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_upstream_at_once() {
    for leaves_after_head in [false, true] {
        let provider = ScriptedProvider::start(move |_| match leaves_after_head {
            true => Script::sse_head().chunk(DELTA).then(Step::Stall),
            false => Script::new().then(Step::Stall),
        });
        let mut provider = provider.await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
        provider.next_received().await;
        if leaves_after_head {
            client.head().await;
            client.until("hi").await;
        }
        let left = Instant::now();
        client.reset();
        let closed = provider.closed(0).await;
        assert!(closed.by_peer);
        let took = closed.at.duration_since(left);
        assert!(took < Duration::from_millis(250), "the contract says within 250 ms: {took:?}");
        let cancelled = || gateway.store.rows("aibridge_interceptions")[0]["outcome"] == "cancelled";
        wait_until(cancelled, "the interception to be recorded as cancelled").await;
    }
}
