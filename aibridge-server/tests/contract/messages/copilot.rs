//! GitHub Copilot: the dialects of both vendors, always with the client's own credential.

use super::{REQUEST, WHOLE, call};
use crate::dialects::{CHAT, RESPONSES};
use crate::harness::{Harness, status_and_code};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};

const BEARER: (&str, &str) = ("Authorization", "Bearer tid=0123456789abcdef;exp=1");

async fn start() -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|request| match request.path() {
        "/chat/completions" => CHAT.script(false),
        "/responses" => RESPONSES.script(false),
        "/v1/messages" => Script::json(200, WHOLE),
        _ => Script::json(200, "{}"),
    })
    .await;
    let base_url = provider.base_url();
    let text =
        format!("[[provider]]\ntype = \"copilot\"\nbase_url = \"{}\"\n", base_url.trim_end_matches("v1/"));
    (provider, Harness::start(&text).await)
}

#[tokio::test]
async fn all_three_dialects_are_recorded_and_all_headers_pass() {
    let (provider, gateway) = start().await;
    let headers = [
        BEARER,
        ("User-Agent", "GitHubCopilotChat/0.30"),
        ("Editor-Version", "vscode/1.99"),
        ("Copilot-Integration-Id", "vscode-chat"),
        ("X-Initiator", "user"),
        ("X-Interaction-Id", "i-1"),
        ("OpenAI-Intent", "conversation-panel"),
    ];
    for (number, (path, body)) in
        [("/chat/completions", CHAT.blocking), ("/responses", RESPONSES.blocking), ("/v1/messages", REQUEST)]
            .into_iter()
            .enumerate()
    {
        let response = RawClient::post(gateway.address, &format!("/copilot{path}"), &headers, body).await;
        assert_eq!(response.status(), 200, "{path}");
        let received = &provider.received()[number];
        assert_eq!((received.target.as_str(), &received.body[..]), (path, body.as_bytes()));
        for (name, value) in headers {
            assert_eq!(received.header_values(name), [value], "{path} {name}");
        }
        let id = response.header("x-aibridge-interception-id").unwrap();
        let row = gateway.store.interception(id).unwrap();
        assert_eq!((&row["provider"], &row["route"]), (&"copilot".into(), &path.into()));
        assert_eq!(
            (&row["client"], &row["client_session_id"]),
            (&"GitHub Copilot (VS Code)".into(), &"i-1".into())
        );
        assert_eq!(row["credential_kind"], "byok");
        assert_eq!(gateway.store.rows_of("aibridge_token_usages", id)[0]["output_tokens"], 2, "{path}");
    }
}

#[tokio::test]
async fn other_paths_pass_through_with_a_credential() {
    let (provider, gateway) = start().await;
    for path in ["/models", "/models/x", "/_ping", "/agents/swe/v1/jobs", "/mcp/readonly"] {
        assert_eq!(
            call(&gateway, "GET", &format!("/copilot{path}"), &[BEARER]).await.status(),
            200,
            "{path}"
        );
        assert_eq!(provider.received().last().unwrap().target, path);
    }
    for path in ["/", "", "/agents", "/v1/models", "/v1/messages/count_tokens"] {
        assert_eq!(
            call(&gateway, "GET", &format!("/copilot{path}"), &[BEARER]).await.status(),
            404,
            "{path}"
        );
    }
    assert_eq!(provider.received().len(), 5);
}

#[tokio::test]
async fn a_request_without_a_bearer_is_refused_in_the_format_of_its_api() {
    let (provider, gateway) = start().await;
    for (path, is_anthropic) in [("/chat/completions", false), ("/responses", false), ("/v1/messages", true)]
    {
        for headers in [&[][..], &[("x-api-key", "k")]] {
            let response =
                RawClient::post(gateway.address, &format!("/copilot{path}"), headers, REQUEST).await;
            assert_eq!(status_and_code(&response), (401, Some("no_credential")), "{path}");
            assert_eq!(response.json()["type"] == "error", is_anthropic, "{path}");
        }
    }
    assert!(provider.received().is_empty());
}
