//! `azure_paths`: the paths of Azure's deployments are bridged.

use crate::dialects::{CHAT, RESPONSES};
use crate::harness::{Harness, status_and_code};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};

const KEY: &str = "azure-key-0123456789";
const EMBEDDED: &str = r#"{"data":[],"usage":{"prompt_tokens":9,"total_tokens":9}}"#;

fn settings(provider: &ScriptedProvider, path: &str, azure_paths: bool) -> String {
    format!(
        "[[provider]]\npreset = \"azure\"\nbase_url = \"http://{}{path}\"\nkeys = [\"{KEY}\"]\nazure_paths = {azure_paths}\n",
        provider.address()
    )
}

#[tokio::test]
async fn a_deployment_with_a_long_name_is_refused() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::start(&settings(&provider, "/", true)).await;
    for (length, expected) in [(512, (200, None)), (513, (400, Some("invalid_model")))] {
        let target = format!("/azure/v1/openai/deployments/{}/chat/completions", "d".repeat(length));
        let response = RawClient::post(gateway.address, &target, &[], r#"{"messages":[]}"#).await;
        assert_eq!(status_and_code(&response), expected, "{length}");
    }
}

#[tokio::test]
async fn a_deployment_is_bridged_like_the_route_that_it_spells() {
    let provider = ScriptedProvider::start(|request| match request.path() {
        path if path.ends_with("/embeddings") => Script::json(200, EMBEDDED),
        path if path.ends_with("/responses") => Script::json(200, RESPONSES.whole),
        _ => CHAT.script(request.json()["stream"] == true),
    })
    .await;
    // The base URL, and what precedes the client's path at the provider.
    for (base, root) in
        [("/", ""), ("/openai/v1/", ""), ("/proxy/openai/v1", "/proxy"), ("/other/", "/other")]
    {
        let gateway = Harness::start(&settings(&provider, base, true)).await;
        let named = CHAT.blocking.replace("\"m\"", "\"named\"");
        // The path, the body, and the recorded route and model.
        for (path, body, route, model) in [
            (
                "/openai/deployments/gpt-4.1/chat/completions",
                r#"{"messages":[]}"#,
                "/chat/completions",
                "gpt-4.1",
            ),
            ("/openai/deployments/gpt-4.1/chat/completions", &named, "/chat/completions", "gpt-4.1"),
            ("/openai/deployments/d/chat/completions", CHAT.stream, "/chat/completions", "d"),
            ("/openai/deployments/ada_2/embeddings", r#"{"input":"a"}"#, "/embeddings", "ada_2"),
            ("/openai/responses", RESPONSES.blocking, "/responses", "m"),
        ] {
            let target = format!("{path}?api-version=2024-10-21");
            let response = RawClient::post(
                gateway.address,
                &format!("/azure/v1{target}"),
                &[("api-key", "client")],
                body,
            )
            .await;
            assert_eq!(response.status(), 200, "{base} {path}: {}", response.text());
            let received = provider.received().pop().unwrap();
            assert_eq!((&received.target, &received.body[..]), (&format!("{root}{target}"), body.as_bytes()));
            assert_eq!(received.header_values("api-key"), [KEY], "{path}");
            let row = gateway.store.rows("aibridge_interceptions").pop().unwrap();
            assert_eq!((&row["route"], &row["model"]), (&route.into(), &model.into()), "{path}");
            assert_eq!(row["outcome"], "completed", "{path}");
            let usage = gateway.store.rows("aibridge_token_usages").pop().unwrap();
            assert_eq!(usage["input_tokens"], 9, "{path}");
        }
    }
}

#[tokio::test]
async fn a_model_in_the_body_does_not_evade_the_budget_of_the_deployment() {
    let provider = ScriptedProvider::start(|_| CHAT.script(false)).await;
    let settings = settings(&provider, "/", true);
    let budget = "[[budget]]\nscope = \"model\"\nmatch = \"gpt-4.1\"\namount = \"0.000001 USD\"\n";
    let gateway = Harness::start(&format!("{budget}{settings}")).await;
    let call = async |deployment: &str| {
        let target = format!("/azure/v1/openai/deployments/{deployment}/chat/completions");
        let body = CHAT.blocking.replace("\"m\"", "\"gpt-4.1-nano\"");
        RawClient::post(gateway.address, &target, &[], body).await.status()
    };
    assert_eq!(call("gpt-4.1").await, 200);
    assert_eq!(call("gpt-4.1").await, 429, "the budget of the deployment is spent");
    assert_eq!(call("gpt-4.1-nano").await, 200);
}

#[tokio::test]
async fn other_spellings_and_methods_are_refused() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    for azure_paths in [true, false] {
        let gateway = Harness::start(&settings(&provider, "/", azure_paths)).await;
        for (method, path, status, code) in [
            ("GET", "/openai/deployments/m/chat/completions", 405, "method_not_allowed"),
            ("POST", "/openai/deployments/m/chat/completions/", 404, "unknown_route"),
            ("POST", "/openai/deployments/m;x/chat/completions", 404, "unknown_route"),
            ("POST", "/openai/deployments/%6d/chat/completions", 404, "unknown_route"),
            ("POST", "/OpenAI/deployments/m/chat/completions", 404, "unknown_route"),
            ("POST", "/openai/deployments/m/images/generations", 404, "unknown_route"),
            ("POST", "/openai/deployments/a%2Fb/chat/completions", 400, "invalid_path"),
        ] {
            let bytes = request(method, &format!("/azure/v1{path}"), &[], b"{}");
            let response = RawClient::connect(gateway.address).await.call(&bytes).await;
            let expected = if azure_paths || status == 400 { (status, code) } else { (404, "unknown_route") };
            assert_eq!(status_and_code(&response), (expected.0, Some(expected.1)), "{method} {path}");
        }
        let path = "/azure/v1/openai/deployments/m/chat/completions";
        let response = RawClient::post(gateway.address, path, &[], "{}").await;
        assert_eq!(response.status(), if azure_paths { 200 } else { 404 });
    }
    assert_eq!(provider.received().len(), 1);
}
