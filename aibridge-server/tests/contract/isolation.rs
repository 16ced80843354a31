//! Actors cannot use the objects of other actors at a provider.

use crate::auth::tokens_of;
use crate::endpoints::{KEYS, OWN_BEARER};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Gate, RawClient, ReceivedRequest, Response, Script, ScriptedProvider, Step, request};
use secrecy::ExposeSecret;
use serde_json::json;
use std::net::SocketAddr;

mod conversations;
mod log_lines;
mod postgres;
mod store_unavailable;

const RESPONSES: &str = "/openai/v1/responses";

/// Names each new object after its request: the model of a response, the metadata of a conversation.
fn respond(request: &ReceivedRequest) -> Script {
    let body = request.body.clone();
    let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = parsed["model"].as_str().unwrap_or("x").to_owned();
    match (request.method.as_str(), request.path()) {
        ("POST", "/v1/responses") if parsed["stream"] == true => {
            let object = json!({"id": format!("resp_{name}"), "output": []});
            let event = |kind: &str| {
                format!("event: {kind}\ndata: {}\n\n", json!({"type": kind, "response": object}))
            };
            Script::sse(event("response.created") + &event("response.completed"))
        }
        ("POST", "/v1/responses") => {
            let object =
                json!({"id": format!("resp_{name}"), "conversation": parsed["conversation"], "output": []});
            Script::json(200, object.to_string())
        }
        ("POST", "/v1/conversations" | "/v1/conversations/") => {
            let id = parsed["metadata"]["name"].as_str().unwrap_or("x").to_owned();
            Script::json(200, json!({"id": format!("conv_{id}"), "object": "conversation"}).to_string())
        }
        _ => Script::json(200, "{}"),
    }
}

/// A gateway with a pool key that requires access tokens. Its provider `twin` has the same upstream, `other` has another.
async fn gateway(provider: &ScriptedProvider) -> Harness {
    let base_url = provider.base_url();
    let settings = provider_settings(&base_url, &KEYS[..1]);
    let named = |name: &str, base_url: &str| {
        provider_settings(base_url, &KEYS[..1]).replace("type", &format!("name = \"{name}\"\ntype"))
    };
    let twin = named("twin", &base_url);
    let other = named("other", &base_url.replace("/v1", "/other/v1"));
    Harness::start(&format!("[auth]\nmode = \"tokens\"\n{settings}{twin}{other}")).await
}

/// An actor with an access token.
struct User {
    address: SocketAddr,
    token: String,
}

impl User {
    fn of(gateway: &Harness, name: &str) -> Self {
        let (_, token) = tokens_of(gateway).create(name, None).unwrap();
        Self { address: gateway.address, token: token.expose_secret().to_owned() }
    }

    async fn call(&self, method: &str, target: &str, body: &str) -> Response {
        self.call_with(method, target, body, &[]).await
    }

    async fn call_with(&self, method: &str, target: &str, body: &str, headers: &[(&str, &str)]) -> Response {
        let headers = [&[("X-AIBridge-Token", self.token.as_str())], headers].concat();
        let parsed = request(method, target, &headers, body.as_bytes());
        RawClient::connect(self.address).await.call(&parsed).await
    }

    /// Creates the response `resp_{name}`.
    async fn respond(&self, name: &str, streaming: bool) {
        let body = json!({"model": name, "stream": streaming}).to_string();
        assert_eq!(self.call("POST", RESPONSES, &body).await.status(), 200);
    }
}

/// Checks for the refusal of an object of another actor.
fn assert_not_found(response: &Response, message: &str) {
    let expected = json!({"error": {
        "message": message, "type": "invalid_request_error", "param": null, "code": "not_found",
    }});
    assert_eq!((response.status(), response.json()), (404, expected), "{message}");
    assert_eq!(response.header("x-aibridge-error"), Some("not_found"));
}

#[tokio::test]
async fn other_actors_cannot_read_cancel_delete_or_continue_a_response() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    for streaming in [false, true] {
        let name = format!("by-ann-{streaming}");
        ann.respond(&name, streaming).await;
        let id = format!("resp_{name}");
        let before = provider.received().len();
        for (method, below) in [
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("GET", "/input_items?limit=1"),
            ("GET", "?stream=true"),
        ] {
            let target = format!("{RESPONSES}/{id}{below}");
            assert_not_found(
                &bob.call(method, &target, "").await,
                &format!("Response with id '{id}' not found."),
            );
        }
        let message = format!("Previous response with id '{id}' not found.");
        for stream in [false, true] {
            let body = json!({"model": "m", "stream": stream, "previous_response_id": id}).to_string();
            assert_not_found(&bob.call("POST", RESPONSES, &body).await, &message);
            assert_not_found(&bob.call("POST", &format!("{RESPONSES}/input_tokens"), &body).await, &message);
        }
        let twice = format!(
            r#"{{"model":"m","previous\u005fresponse_id":"{id}","previous_response_id":"resp_mine"}}"#
        );
        assert_not_found(&bob.call("POST", RESPONSES, &twice).await, &message);
        assert_eq!(provider.received().len(), before, "nothing reaches the provider");

        let body = json!({"model": "next", "previous_response_id": id}).to_string();
        for (method, target, body) in [
            ("GET", format!("{RESPONSES}/{id}"), ""),
            ("POST", format!("{RESPONSES}/{id}/cancel"), ""),
            ("POST", RESPONSES.to_owned(), &body),
            ("POST", format!("{RESPONSES}/input_tokens"), &body),
            ("DELETE", format!("{RESPONSES}/{id}"), ""),
        ] {
            assert_eq!(ann.call(method, &target, body).await.status(), 200, "{method} {target}: its own");
        }
    }
    assert_eq!(
        gateway.store.query("SELECT * FROM aibridge_interceptions WHERE initiator_id = 'bob'", &[]),
        []
    );
}

#[tokio::test]
async fn a_response_has_an_owner_while_it_is_streamed() {
    let gate = Gate::new();
    let script_gate = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.method.as_str() {
        "POST" => {
            let event = |kind: &str| {
                format!("event: {kind}\ndata: {}\n\n", json!({"type": kind, "response": {"id": "resp_live"}}))
            };
            Script::sse_head()
                .chunk(event("response.created"))
                .then(Step::Await(script_gate.clone()))
                .chunk(event("response.completed"))
                .then(Step::End)
        }
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    let mut client = RawClient::connect(gateway.address).await;
    let token = [("X-AIBridge-Token", ann.token.as_str())];
    client.send(&request("POST", RESPONSES, &token, br#"{"model":"m","stream":true}"#)).await;
    assert_eq!(client.head().await.status, 200);
    client.read_until("\n\n").await;
    for (method, below) in [("GET", ""), ("POST", "/cancel")] {
        let response = bob.call(method, &format!("{RESPONSES}/resp_live{below}"), "").await;
        assert_not_found(&response, "Response with id 'resp_live' not found.");
    }
    assert_eq!(ann.call("GET", &format!("{RESPONSES}/resp_live"), "").await.status(), 200);
    gate.open();
    client.read_to_end().await;
}

#[tokio::test]
async fn owners_are_enforced_after_a_restart() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    // As left by another process: nothing is in memory.
    let sql =
        "INSERT INTO aibridge_object_owners VALUES ('openai', 'resp_old', 'ann', '2026-01-02T03:04:05.678Z')";
    rusqlite::Connection::open(gateway.store.path()).unwrap().execute(sql, []).unwrap();
    let target = format!("{RESPONSES}/resp_old");
    for _ in 0..2 {
        assert_not_found(&bob.call("GET", &target, "").await, "Response with id 'resp_old' not found.");
        assert_eq!(ann.call("GET", &target, "").await.status(), 200);
    }
    ann.respond("new", true).await;
    let sql = "SELECT * FROM aibridge_object_owners WHERE object_id = 'resp_new'";
    let row = gateway.store.query(sql, &[]).pop().expect("it is on record");
    assert_eq!((&row["provider_name"], &row["initiator_id"]), (&json!("openai"), &json!("ann")));
}

#[tokio::test]
async fn unknown_objects_byok_requests_and_other_providers_are_not_restricted() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    ann.respond("1", false).await;
    let own = [("Authorization", OWN_BEARER)];
    let body = r#"{"model":"m","previous_response_id":"resp_1"}"#;
    let long = format!("{RESPONSES}/{}", "x".repeat(2000));
    for (method, target, body, headers) in [
        ("GET", "/openai/v1/responses/resp_unknown", "", &[][..]),
        ("GET", &long, "", &[]),
        ("GET", "/other/v1/responses/resp_1", "", &[]),
        ("POST", "/other/v1/responses", body, &[]),
        ("GET", "/openai/v1/responses/resp_1", "", &own),
        ("POST", RESPONSES, body, &own),
        ("POST", "/openai/v1/responses/input_tokens", r#"{"model":"m"}"#, &[]),
        ("POST", "/openai/v1/conversations/conv_unknown/items", "no JSON", &[]),
    ] {
        assert_eq!(bob.call_with(method, target, body, headers).await.status(), 200, "{method} {target}");
    }
}

#[tokio::test]
async fn a_second_provider_with_the_same_upstream_does_not_bypass_isolation() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let (ann, bob) = (User::of(&gateway, "ann"), User::of(&gateway, "bob"));
    ann.respond("1", false).await;
    let read = bob.call("GET", "/twin/v1/responses/resp_1", "").await;
    assert_not_found(&read, "Response with id 'resp_1' not found.");
    let body = r#"{"model":"m","previous_response_id":"resp_1"}"#;
    let continued = bob.call("POST", "/twin/v1/responses", body).await;
    assert_not_found(&continued, "Previous response with id 'resp_1' not found.");
    assert_eq!(ann.call("GET", "/twin/v1/responses/resp_1", "").await.status(), 200);
}

#[tokio::test]
async fn an_unreadable_body_that_may_name_objects_is_refused() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = gateway(&provider).await;
    let bob = User::of(&gateway, "bob");
    let target = format!("{RESPONSES}/input_tokens");
    for body in ["no JSON", "\u{feff}{\"previous_response_id\":\"resp_1\"}", "[]"] {
        let refused = bob.call("POST", &target, body).await;
        assert_eq!(
            (refused.status(), refused.header("x-aibridge-error")),
            (400, Some("invalid_json")),
            "{body}"
        );
    }
    assert_eq!(provider.received().len(), 0, "nothing reaches the provider");
}

#[tokio::test]
async fn without_tokens_ownership_is_not_enforced() {
    let provider = ScriptedProvider::start(respond).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let body = r#"{"model":"1"}"#;
    assert_eq!(RawClient::post(gateway.address, RESPONSES, &[], body).await.status(), 200);
    assert_eq!(RawClient::post(gateway.address, "/openai/v1/conversations", &[], "{}").await.status(), 200);
    assert_eq!(RawClient::get(gateway.address, "/openai/v1/responses/resp_1").await.status(), 200);
    assert_eq!(gateway.store.query("SELECT * FROM aibridge_object_owners", &[]), []);
}
