//! `routes`: passthrough routes that the settings open by method and path.

use crate::endpoints::KEYS;
use crate::harness::{Harness, provider_settings, status_and_code};
use aibridge_testkit::{Launch, RawClient, Response, Script, ScriptedProvider, request};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const ROUTES: &str =
    "routes = [\"POST /moderations\", \"POST /images/…\", \"GET /files/...\", \"DELETE /files/…\"]\n";
const USAGE: &str = r#"{"model":"m","usage":{"input_tokens":30,"output_tokens":20}}"#;

fn settings(provider: &ScriptedProvider) -> String {
    provider_settings(&provider.base_url(), &KEYS[..1]) + ROUTES
}

async fn send(gateway: &Harness, method: &str, path: &str, body: &str) -> Response {
    let bytes = request(method, &format!("/openai/v1{path}"), &[], body.as_bytes());
    RawClient::connect(gateway.address).await.call(&bytes).await
}

#[tokio::test]
async fn only_the_named_methods_and_paths_are_open() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::start(&settings(&provider)).await;
    for (method, path, expected) in [
        ("POST", "/moderations", (200, None)),
        ("POST", "/moderations?a=b", (200, None)),
        ("POST", "/images/generations", (200, None)),
        ("POST", "/images/a/b", (200, None)),
        ("GET", "/files/file-1/content", (200, None)),
        ("DELETE", "/files/file-1", (200, None)),
        ("GET", "/moderations", (405, Some("method_not_allowed"))),
        ("PUT", "/files/file-1", (405, Some("method_not_allowed"))),
        ("HEAD", "/images/generations", (405, None)),
        ("POST", "/moderations/", (404, Some("unknown_route"))),
        ("POST", "/Moderations", (404, Some("unknown_route"))),
        ("POST", "/images", (404, Some("unknown_route"))),
        ("POST", "/images/", (404, Some("unknown_route"))),
        ("GET", "/files", (404, Some("unknown_route"))),
        ("POST", "/audio/speech", (404, Some("unknown_route"))),
        ("GET", "/files/../models", (400, Some("invalid_path"))),
        ("GET", "/files/a%2Fb", (400, Some("invalid_path"))),
    ] {
        let before = provider.received().len();
        let response = match method {
            "HEAD" => {
                let mut client = RawClient::connect(gateway.address).await;
                client.send(&request(method, &format!("/openai/v1{path}"), &[], b"")).await;
                assert_eq!(client.head().await.status, expected.0, "{method} {path}");
                continue;
            }
            _ => send(&gateway, method, path, "body").await,
        };
        assert_eq!(status_and_code(&response), expected, "{method} {path}");
        let received = &provider.received()[before..];
        assert_eq!(received.len(), usize::from(expected.0 == 200), "{method} {path}");
        for received in received {
            assert_eq!((received.method.as_str(), &received.target), (method, &format!("/v1{path}")));
            assert_eq!((&received.body[..], received.bearer()), (&b"body"[..], Some(KEYS[0])));
        }
    }
    let refused = send(&gateway, "PUT", "/files/file-1", "").await;
    assert_eq!(refused.header("allow"), Some("GET, DELETE"));
    assert_eq!(gateway.store.rows("aibridge_interceptions").len(), 0);
}

#[tokio::test]
async fn no_further_route_is_open_by_default() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS).await;
    for path in ["/moderations", "/images/generations", "/files/x"] {
        assert_eq!(send(&gateway, "POST", path, "{}").await.status(), 404, "{path}");
    }
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test]
async fn a_bridged_route_has_no_second_spelling() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let all = "routes = [\"POST /openai/…\", \"POST /v1/…\"]\n";
    let gateway = Harness::start(&(provider_settings(&provider.base_url(), &KEYS[..1]) + all)).await;
    for path in [
        "/v1/chat/completions",
        "/v1/Chat/completions/",
        "/v1/chat;v=1/completions",
        "/v1/%63hat/completions",
        "/v1/responses",
        "/v1/responses/compact",
        "/v1/embeddings",
        "/openai/deployments/m/chat/completions",
        "/openai/v1/responses",
    ] {
        assert_eq!(send(&gateway, "POST", path, "{}").await.status(), 404, "{path}");
    }
    assert_eq!(send(&gateway, "POST", "/v1/moderations", "{}").await.status(), 200);
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn usage_in_a_json_response_is_charged_to_the_actor() {
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(USAGE.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let openai = |body: &str| Script::json(200, body.to_owned());
    let charged = [
        (openai(USAGE), true),
        (openai("  {\"usage\":{\"total_tokens\":50,\"prompt_tokens\":50}}"), true),
        (Script::json(200, gzip).header("Content-Encoding", "gzip"), true),
        (openai("{\"usage\":null}"), false),
        (openai("{\"data\":[]}"), false),
        (openai("not JSON \"usage\":{\"prompt_tokens\":50}"), false),
    ];
    for (script, is_charged) in charged {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let limited = "[limits]\ntokens_per_minute = 40\n".to_owned() + &settings(&provider);
        let gateway = Harness::start(&limited).await;
        assert_eq!(send(&gateway, "POST", "/images/generations", "{}").await.status(), 200);
        let next = send(&gateway, "POST", "/images/generations", "{}").await;
        let expected = if is_charged { (429, Some("rate_limit_exceeded")) } else { (200, None) };
        assert_eq!(status_and_code(&next), expected);
        assert_eq!(gateway.store.rows("aibridge_token_usages").len(), 0);
    }
}

#[tokio::test]
async fn a_request_is_logged_with_its_actor_and_counted() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings(&provider)).start().await;
    RawClient::post(gateway.address(), "/openai/v1/images/generations", &[], "{}").await;
    let metrics = RawClient::get(gateway.address(), "/metrics").await;
    let counted = r#"aibridge_passthrough_total{method="POST",provider="openai",route="/images/…"} 1"#;
    assert!(metrics.text().lines().any(|line| line == counted), "{}", metrics.text());
    gateway.terminate();
    let log = gateway.wait_exit().await.stderr;
    let line = log.lines().find(|line| line.contains("passed through")).unwrap_or_else(|| panic!("{log}"));
    for part in ["actor=\"anonymous\"", "provider=\"openai\"", "method=POST", "path=\"/images/generations\""]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn a_route_that_cannot_be_opened_is_refused_at_the_start() {
    for (route, advice) in [
        ("POST /chat/completions", "another way to /chat/completions"),
        ("POST /Chat/…", "another way to /chat/completions"),
        ("POST /v1/responses", "another way to /responses"),
        ("GET /…", "another way to"),
        ("/moderations", "POST /moderations"),
        ("FETCH /moderations", "GET, HEAD, POST"),
        ("POST moderations", "begin with a slash"),
        ("POST /a/../b", "has a segment"),
    ] {
        let settings = format!("[[provider]]\ntype = \"openai\"\nroutes = [\"GET /files/…\", \"{route}\"]");
        let ended = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{route}: {ended:?}");
        assert!(
            ended.stderr.starts_with("aibridge: aibridge.toml: provider[0].routes[1]: "),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(advice), "{route}: {}", ended.stderr);
    }
}
