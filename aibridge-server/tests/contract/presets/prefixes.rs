//! `route_prefix`: the paths of a provider at the gateway.

use super::{BODY, KEY, WHOLE, provider};
use crate::harness::Harness;
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider};

#[tokio::test]
async fn routes_follow_the_configured_prefix() {
    let vendor = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let keys = format!("keys = [\"{KEY}\"]");
    let settings = provider("openai", &vendor, &format!("{keys}\nroute_prefix = \"/v1\""))
        + &provider("groq", &vendor, &format!("{keys}\nroute_prefix = \"/v1-groq/api\""));
    let gateway = Harness::start(&settings).await;
    for (path, status) in [
        ("/v1/chat/completions", 200),
        ("/v1-groq/api/chat/completions", 200),
        ("/openai/v1/chat/completions", 404),
        ("/groq/v1/chat/completions", 404),
        ("/v1-groq/chat/completions", 404),
        ("/v1chat/completions", 404),
        ("/v1/v1/chat/completions", 404),
    ] {
        let response = RawClient::post(gateway.address, path, &[], BODY).await;
        assert_eq!(response.status(), status, "{path}");
    }
    let rows = gateway.store.rows("aibridge_interceptions");
    let names: Vec<_> = rows.iter().map(|row| row["provider_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["openai", "groq"]);
    assert!(rows.iter().all(|row| row["route"] == "/chat/completions"), "{rows:?}");
}

#[tokio::test]
async fn the_start_shows_the_path_of_each_provider() {
    let settings = "[[provider]]\npreset = \"groq\"\nroute_prefix = \"/fast\"";
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).start().await;
    let url = gateway.url();
    gateway.terminate();
    let output = gateway.wait_exit().await.stdout;
    let line = format!("provider groq: {url}/fast -> https://api.groq.com/openai/v1/, no keys");
    assert!(output.lines().any(|shown| shown.starts_with(&line)), "{output}");
}
