//! Nothing is sent and nothing is received without a record.

use crate::dialects::{Dialect, KEY, REQUESTS};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, RawClient, Script, ScriptedProvider, Store, within};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// The current record of `id`: outcome, input and output tokens, tool.
fn recorded(store: &Store, id: &str) -> Value {
    let usages = store.rows_of("aibridge_token_usages", id);
    let usage = usages.iter().map(|row| json!([row["input_tokens"], row["output_tokens"]]));
    let tools = store.rows_of("aibridge_tool_usages", id);
    let tools = tools.iter().map(|row| row["tool"].clone());
    json!([store.interception(id).unwrap()["outcome"], usage.collect::<Value>(), tools.collect::<Value>()])
}

/// Reads a response to its last byte, and returns its record before the end of the body has arrived.
async fn last_byte(client: &mut RawClient, dialect: &Dialect, streaming: bool, store: &Store) -> Value {
    let head = client.head().await;
    let response = dialect.response(streaming);
    let mut body = Vec::new();
    while body.len() < response.len() {
        body.extend(client.piece().await.unwrap());
    }
    let recorded = recorded(store, head.header("x-aibridge-interception-id").unwrap());
    assert_eq!(body, response.as_bytes());
    assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Clean));
    recorded
}

fn complete_record() -> Value {
    json!(["completed", [[9, 2]], ["look"]])
}

#[tokio::test]
async fn start_records_are_stored_before_the_provider_gets_the_request() {
    let store: Arc<OnceLock<Store>> = Arc::default();
    let records: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (its_store, log) = (store.clone(), records.clone());
    let provider = ScriptedProvider::start(move |request| {
        let store = its_store.get().unwrap();
        let rows = store.query(
            "SELECT route, streaming, outcome, ended_at, prompt, credential_hint FROM aibridge_interceptions i \
             JOIN aibridge_user_prompts p ON p.interception_id = i.id ORDER BY i.id DESC LIMIT 1",
            &[],
        );
        log.lock().push(json!(rows));
        Dialect::respond_to(request)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    assert!(store.set(gateway.store.clone()).is_ok());
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        client.read_to_end().await;
        let route = dialect.target.strip_prefix("/openai/v1").unwrap();
        let expected = json!([{
            "route": route, "streaming": i32::from(streaming), "outcome": null, "ended_at": null,
            "prompt": "hello", "credential_hint": "",
        }]);
        assert_eq!(records.lock().pop().unwrap(), expected);
    }
}

#[tokio::test]
async fn end_records_are_stored_before_the_client_gets_the_last_byte() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(last_byte(&mut client, dialect, streaming, &gateway.store).await, complete_record());
    }
}

#[tokio::test]
async fn end_records_are_stored_in_time_for_sixteen_concurrent_requests() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let clients = (0..16).map(|number| {
        let (address, store) = (gateway.address, gateway.store.clone());
        tokio::spawn(async move {
            for round in 0..8 {
                let (dialect, streaming) = REQUESTS[(number + round) % REQUESTS.len()];
                let mut client = dialect.send(address, streaming).await;
                assert_eq!(last_byte(&mut client, dialect, streaming, &store).await, complete_record());
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        within(client, "a client to be done").await.unwrap();
    }
    assert_eq!(provider.received().len(), 16 * 8);
}

#[tokio::test]
async fn usage_of_refused_and_failed_responses_is_stored_in_time() {
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\
                  \"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\n\n";
    let provider = ScriptedProvider::start(move |_| Script::sse(failed)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = REQUESTS[3].0.send(gateway.address, true).await;
    let head = client.head().await;
    client.read_until("\n\n").await;
    let recorded = recorded(&gateway.store, head.header("x-aibridge-interception-id").unwrap());
    assert_eq!(recorded, json!(["failed", [[9, 2]], []]));
}
