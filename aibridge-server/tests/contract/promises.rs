//! Nothing leaves and nothing arrives without a record.

use crate::dialects::{Dialect, KEY, REQUESTS};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, RawClient, Script, ScriptedProvider, Store, within};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// What of `id` is there now: outcome, input and output tokens, tool.
fn recorded(store: &Store, id: &str) -> Value {
    let usages = store.rows_of("aibridge_token_usages", id);
    let usage = usages.iter().map(|row| json!([row["input_tokens"], row["output_tokens"]]));
    let tools = store.rows_of("aibridge_tool_usages", id);
    let tools = tools.iter().map(|row| row["tool"].clone());
    json!([store.interception(id).unwrap()["outcome"], usage.collect::<Value>(), tools.collect::<Value>()])
}

/// Reads an answer to its last byte, and looks what is recorded when that is there: before whatever ends the body.
async fn last_byte(client: &mut RawClient, dialect: &Dialect, streaming: bool, store: &Store) -> Value {
    let head = client.head().await;
    let answer = dialect.answer(streaming);
    let mut body = Vec::new();
    while body.len() < answer.len() {
        body.extend(client.piece().await.unwrap());
    }
    let recorded = recorded(store, head.header("x-aibridge-interception-id").unwrap());
    assert_eq!(body, answer.as_bytes());
    assert_eq!(client.rest().await, ("".into(), BodyEnd::Clean));
    recorded
}

fn whole() -> Value {
    json!(["completed", [[9, 2]], ["look"]])
}

#[tokio::test]
async fn the_interception_and_its_prompt_are_there_when_the_provider_hears_of_it() {
    let store: Arc<OnceLock<Store>> = Arc::default();
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (its_store, sees) = (store.clone(), seen.clone());
    let provider = ScriptedProvider::start(move |request| {
        let store = its_store.get().unwrap();
        let rows = store.query(
            "SELECT route, streaming, outcome, ended_at, prompt, credential_hint FROM aibridge_interceptions i \
             JOIN aibridge_user_prompts p ON p.interception_id = i.id ORDER BY i.id DESC LIMIT 1",
            &[],
        );
        sees.lock().push(json!(rows));
        Dialect::answer_to(request)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    assert!(store.set(gateway.store.clone()).is_ok());
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        client.rest().await;
        let route = dialect.target.strip_prefix("/openai/v1").unwrap();
        let expected = json!([{
            "route": route, "streaming": i32::from(streaming), "outcome": null, "ended_at": null,
            "prompt": "hello", "credential_hint": "",
        }]);
        assert_eq!(seen.lock().pop().unwrap(), expected);
    }
}

#[tokio::test]
async fn the_record_is_there_when_the_client_has_the_last_byte() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(last_byte(&mut client, dialect, streaming, &gateway.store).await, whole());
    }
}

#[tokio::test]
async fn also_when_sixteen_ask_at_once() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let clients = (0..16).map(|number| {
        let (address, store) = (gateway.address, gateway.store.clone());
        tokio::spawn(async move {
            for round in 0..8 {
                let (dialect, streaming) = REQUESTS[(number + round) % REQUESTS.len()];
                let mut client = dialect.send(address, streaming).await;
                assert_eq!(last_byte(&mut client, dialect, streaming, &store).await, whole());
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        within(client, "a client to be done").await.unwrap();
    }
    assert_eq!(provider.received().len(), 16 * 8);
}

#[tokio::test]
async fn also_what_a_refusal_or_a_failed_response_spent() {
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\
                  \"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\n\n";
    let provider = ScriptedProvider::start(move |_| Script::sse(failed)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = REQUESTS[3].0.send(gateway.address, true).await;
    let head = client.head().await;
    client.until("\n\n").await;
    let recorded = recorded(&gateway.store, head.header("x-aibridge-interception-id").unwrap());
    assert_eq!(recorded, json!(["failed", [[9, 2]], []]));
}
