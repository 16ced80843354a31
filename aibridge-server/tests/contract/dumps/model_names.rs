//! Model names in dump paths: no name leads out of the directory of the provider.

use super::Dumping;
use crate::endpoints::{CHAT, KEYS};
use aibridge_testkit::{RawClient, Script, ScriptedProvider};
use serde_json::json;
use std::collections::BTreeSet;

const DIRECT: &str = "a/../../../../../../../../../../../tmp/aibridge-escaped";

#[tokio::test]
async fn every_model_name_becomes_one_directory_below_the_provider() {
    let long = "x".repeat(511);
    let names = [
        "gpt-4.1",
        "meta-llama/Llama-3",
        "meta-llama%2FLlama-3",
        "",
        ".",
        "..",
        "../..",
        "/",
        "/etc/passwd",
        DIRECT,
        "a\\b",
        "a\0b",
        "a\nb",
        "con:",
        "*?\"<>|",
        "passthrough",
        "~",
        "%",
        " ",
        "é",
        &long,
        &(long.clone() + "y"),
    ];
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let dumping = Dumping::start(&provider.base_url(), &KEYS[..1]).await;
    RawClient::get(dumping.gateway.address, "/openai/v1/models").await;
    for name in names {
        let body = json!({ "model": name }).to_string();
        let response = RawClient::post(dumping.gateway.address, CHAT.target, &[], &body).await;
        assert_eq!(response.status(), 200, "{name:?}");
    }
    let files = dumping.stop().await;
    assert_eq!(files.len(), 2 * (names.len() + 1));
    let folders: BTreeSet<_> = files.keys().map(|path| path.split('/').collect::<Vec<_>>()).collect();
    assert!(folders.iter().all(|path| path.len() == 3 && path[0] == "openai"), "{folders:?}");
    let folders: BTreeSet<_> = folders.iter().map(|path| path[1]).collect();
    assert_eq!(folders.len(), names.len() + 1, "no two share a folder: {folders:?}");
    for expected in ["gpt-4.1", "meta-llama%2FLlama-3", "passthrough", "%70assthrough"] {
        assert!(folders.contains(expected), "{expected}: {folders:?}");
    }
}
