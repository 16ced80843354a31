//! `usage_chunk`: whether the gateway asks for the usage of a stream, and who receives the chunk with it.

use super::{KEY, chat, provider};
use crate::harness::Harness;
use aibridge_testkit::{Script, ScriptedProvider};

const CONTENT: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"cost\":0.25}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[tokio::test]
async fn a_client_gets_the_usage_chunk_if_it_asks_or_the_vendor_sends_it_anyway() {
    let vendor = ScriptedProvider::start(|_| Script::sse([CONTENT, USAGE, DONE].concat())).await;
    let plain = r#"{"model":"m","stream":true}"#;
    let asked = r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#;
    let open_router = r#"{"model":"m","stream":true,"usage":{"include":true}}"#;
    let open_router_asked =
        r#"{"stream_options":{"include_usage":true},"model":"m","stream":true,"usage":{"include":true}}"#;
    let declined = r#"{"model":"m","stream":true,"usage":{"include":false}}"#;
    let declined_asked =
        r#"{"stream_options":{"include_usage":true},"model":"m","stream":true,"usage":{"include":false}}"#;
    // The preset and its setting, the request, what the vendor receives, and whether the client gets the chunk.
    for (preset, setting, request, sent, gets_chunk) in [
        ("openai", "", plain, asked, false),
        ("openai", "", asked, asked, true),
        ("openai", "", open_router, open_router_asked, true),
        ("openai", "", declined, declined_asked, false),
        ("openai", "usage_chunk = \"native\"", plain, plain, true),
        ("openrouter", "", plain, plain, true),
        ("openrouter", "", asked, asked, true),
        ("openrouter", "", open_router, open_router, true),
        ("openrouter", "usage_chunk = \"add\"", plain, asked, false),
        ("openrouter", "usage_chunk = \"add\"", open_router, open_router_asked, true),
        ("mistral", "", plain, plain, true),
    ] {
        let about = format!("{preset} {setting} {request}");
        let settings = provider(preset, &vendor, &format!("keys = [\"{KEY}\"]\n{setting}"));
        let gateway = Harness::start(&settings).await;
        let response = chat(&gateway, preset, &[], request).await;
        let expected = if gets_chunk { [CONTENT, USAGE, DONE].concat() } else { [CONTENT, DONE].concat() };
        assert_eq!(response.text(), expected, "{about}");
        assert_eq!(vendor.received().pop().unwrap().body, sent, "{about}");
        let usage = gateway.store.rows("aibridge_token_usages").pop().unwrap();
        assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&9.into(), &2.into()), "{about}");
    }
}
