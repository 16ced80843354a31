//! The log line of a passthrough request, which names its actor.

use crate::auth::tokens_in;
use crate::endpoints::KEYS;
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider, request};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

#[tokio::test]
async fn each_passthrough_request_has_one_log_line_with_its_actor() {
    let provider = ScriptedProvider::start(|request| match request.path() {
        "/v1/models/missing" => Script::json(404, "{}"),
        "/v1/responses" => Script::json(200, r#"{"id":"resp_1","output":[]}"#),
        _ => Script::json(200, "{}"),
    })
    .await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"))
        .config(format!("[auth]\nmode = \"tokens\"\n[log]\nformat = \"json\"\n{settings}"));
    let gateway = launch.start().await;
    let tokens = tokens_in(launch.store_path());
    let [ann, bob] =
        ["ann", "bob"].map(|user| tokens.create(user, None).unwrap().1.expose_secret().to_owned());
    let bytes = [
        (&ann, "POST", "/responses", "{}", 200),
        (&ann, "GET", "/models?key=query-secret-0123456789", "", 200),
        (&bob, "GET", "/models/missing", "", 404),
        (&ann, "GET", "/responses/resp_1", "", 200),
        (&bob, "DELETE", "/responses/resp_1", "", 404),
        (&bob, "POST", "/conversations", "{}", 200),
    ];
    for (token, method, path, body, status) in bytes {
        let token = [("X-AIBridge-Token", token.as_str())];
        let target = format!("/openai/v1{path}");
        let bytes = request(method, &target, &token, body.as_bytes());
        let response = RawClient::connect(gateway.address()).await.call(&bytes).await;
        assert_eq!(response.status(), status, "{method} {path}");
    }
    gateway.terminate();
    let log = gateway.wait_exit().await.stderr;
    assert!(!log.contains("query-secret"), "{log}");
    let lines = log.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).unwrap());
    let lines = lines.filter(|line| line["message"].as_str().unwrap().ends_with("passed through"));
    let mut lines: Vec<_> = lines
        .map(|line| ["message", "actor", "method", "path", "status"].map(|field| line[field].clone()))
        .collect();
    lines.sort_by_key(|line| format!("{line:?}"));
    let mut expected = [
        ["passed through", "ann", "GET", "/models"].map(Value::from).to_vec(),
        ["passed through", "bob", "GET", "/models/missing"].map(Value::from).to_vec(),
        ["passed through", "ann", "GET", "/responses/resp_1"].map(Value::from).to_vec(),
        ["passed through", "bob", "POST", "/conversations"].map(Value::from).to_vec(),
        ["not passed through", "bob", "DELETE", "/openai/v1/responses/resp_1"].map(Value::from).to_vec(),
    ]
    .map(|mut line| {
        let fails = line[3] == "/models/missing" || line[0] == "not passed through";
        line.push(json!(if fails { 404 } else { 200 }));
        line
    });
    expected.sort_by_key(|line| format!("{line:?}"));
    assert_eq!(lines.iter().map(|line| line.to_vec()).collect::<Vec<_>>(), expected);
}
