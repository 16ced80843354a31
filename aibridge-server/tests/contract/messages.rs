//! The Anthropic API: routes, credentials, keys and errors in its format. The golden cases cover the records.

mod copilot;
mod errors;
mod keys;
mod routes;

use crate::harness::{Harness, anthropic_settings};
use aibridge_testkit::{RawClient, Response, Script, ScriptedProvider, request};

const TARGET: &str = "/anthropic/v1/messages";
const COUNT_TOKENS: &str = "/anthropic/v1/messages/count_tokens";
const KEYS: [&str; 2] = ["sk-ant-first-key-0123456789", "sk-ant-second-key-012345678"];
const OWN_KEY: &str = "sk-ant-the-clients-own-key";
const REQUEST: &str = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"id":"msg_1","type":"message","model":"claude-x","content":[],"usage":{"input_tokens":9,"output_tokens":2}}"#;

/// The settings of one provider `anthropic`.
fn settings(provider: &ScriptedProvider, keys: &[&str]) -> String {
    anthropic_settings(&provider.base_url(), keys)
}

/// A provider with the same response to every request, and a gateway in front of it.
async fn with_keys(keys: &[&str], script: Script) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(move |_| script.clone()).await;
    let gateway = Harness::start(&settings(&provider, keys)).await;
    (provider, gateway)
}

/// Sends a request without a body.
async fn call(gateway: &Harness, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let mut client = RawClient::connect(gateway.address).await;
    let headers = [headers, &[("Connection", "close")]].concat();
    client.call(&request(method, target, &headers, b"")).await
}
