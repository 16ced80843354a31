//! Ownership of conversations, which are created on a passthrough route.

use super::{RESPONSES, User, assert_not_found, gateway, respond};
use crate::encode::gzip;
use aibridge_testkit::{Framing, Gate, RawClient, Script, ScriptedProvider, Step, request};
use serde_json::json;

const CONVERSATIONS: &str = "/openai/v1/conversations";

#[tokio::test]
async fn other_actors_cannot_read_continue_or_delete_a_conversation() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    let made = ann.call("POST", CONVERSATIONS, r#"{"metadata":{"name":"ann"}}"#).await;
    assert_eq!((made.status(), made.text()), (200, r#"{"id":"conv_ann","object":"conversation"}"#));
    let made = ann.call("POST", "/openai/v1/conversations/", r#"{"metadata":{"name":"slash"}}"#).await;
    assert_eq!(made.status(), 200);
    // Not created through the gateway: using it makes nobody its owner.
    let used = json!({"model": "1", "conversation": {"id": "conv_used"}}).to_string();
    assert_eq!(bob.call("POST", RESPONSES, &used).await.status(), 200);
    assert_eq!(ann.call("GET", "/openai/v1/conversations/conv_used", "").await.status(), 200);

    for id in ["conv_ann", "conv_slash"] {
        let message = format!("Conversation with id '{id}' not found.");
        let before = provider.received().len();
        for (method, below) in [
            ("GET", ""),
            ("POST", ""),
            ("DELETE", ""),
            ("GET", "/items"),
            ("POST", "/items"),
            ("DELETE", "/items/msg_1"),
        ] {
            let target = format!("{CONVERSATIONS}/{id}{below}");
            assert_not_found(&bob.call(method, &target, "{}").await, &message);
        }
        for conversation in [json!(id), json!({"id": id})] {
            let body = json!({"model": "m", "conversation": conversation}).to_string();
            assert_not_found(&bob.call("POST", RESPONSES, &body).await, &message);
        }
        for ids in [format!(r#""id":"{id}","id":"x""#), format!(r#""id":"x","id":"{id}""#)] {
            let body = format!(r#"{{"model":"m","conversation":{{{ids}}}}}"#);
            assert_not_found(&bob.call("POST", RESPONSES, &body).await, &message);
        }
        assert_eq!(provider.received().len(), before, "nothing reaches the provider");
        for (method, target, body) in [
            ("GET", format!("{CONVERSATIONS}/{id}/items"), String::new()),
            ("POST", RESPONSES.to_owned(), json!({"model": "m", "conversation": id}).to_string()),
        ] {
            assert_eq!(ann.call(method, &target, &body).await.status(), 200, "{method} {target}: its own");
        }
    }
}

#[tokio::test]
async fn the_owner_is_recorded_before_the_response_is_complete() {
    let gate = Gate::new();
    let script_gate = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.method.as_str() {
        "POST" => Script::head(200, Framing::Chunked)
            .header("Content-Type", "application/json")
            .chunk(r#"{"id":"conv_1","#)
            .then(Step::Await(script_gate.clone()))
            .chunk(r#" "object":"conversation"}"#)
            .then(Step::End),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    let mut client = RawClient::connect(gateway.address).await;
    let token = [("X-AIBridge-Token", ann.token.as_str())];
    client.send(&request("POST", CONVERSATIONS, &token, b"{}")).await;
    assert_eq!(client.head().await.status, 200);
    gate.open();
    let (body, _) = client.read_to_end().await;
    assert_eq!(body, r#"{"id":"conv_1", "object":"conversation"}"#);
    let target = format!("{CONVERSATIONS}/conv_1");
    assert_not_found(&bob.call("GET", &target, "").await, "Conversation with id 'conv_1' not found.");
}

#[tokio::test]
async fn responses_of_every_form_are_relayed_unchanged() {
    let compressed = gzip(br#"{"id":"conv_zip"}"#);
    let long = |bytes| format!(r#"{{"id":"conv_long","pad":"{}"}}"#, "x".repeat(bytes)).into_bytes();
    // A client can provoke such a response. The object must keep its owner nevertheless.
    let lenient = b"\xef\xbb\xbf{\"id\":\"conv_odd\",\"metadata\":{\"a\":NaN,\"b\":\"\x01\xff\"}}\0".to_vec();
    let owned_bodies = [compressed.clone(), long(2 << 20), lenient];
    let bodies: [(u16, Vec<u8>); 7] = [
        (200, owned_bodies[0].clone()),
        (200, owned_bodies[1].clone()),
        (200, owned_bodies[2].clone()),
        (200, long(9 << 20)),
        (200, b"no JSON".to_vec()),
        (200, Vec::new()),
        (400, br#"{"id":"conv_bad"}"#.to_vec()),
    ];
    for (status, body) in bodies {
        let is_compressed = body == compressed;
        let sent = body.clone();
        let provider = ScriptedProvider::start(move |request| match request.method.as_str() {
            "POST" if is_compressed => Script::json(status, sent.clone()).header("Content-Encoding", "gzip"),
            "POST" => Script::json(status, sent.clone()),
            _ => Script::json(200, "{}"),
        })
        .await;
        let gateway = gateway(&provider).await;
        let ann = User::of(&gateway, "ann");
        let response = ann.call("POST", CONVERSATIONS, "{}").await;
        assert_eq!((response.status(), response.body.len()), (status, body.len()));
        assert!(response.body == body, "{status}");
        let owned = gateway.store.query("SELECT object_id FROM aibridge_object_owners", &[]);
        assert_eq!(owned.len(), usize::from(owned_bodies.contains(&body)), "{owned:?}");
    }
}
