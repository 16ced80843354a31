//! Vendors as presets: each row of the table, and what settings can override.

use crate::harness::Harness;
use aibridge_testkit::{Launch, RawClient, Response, Script, ScriptedProvider};

mod credentials;
mod prefixes;
mod settings;
mod usage_chunk;

/// The preset, its base URL, the header of its keys, and its handling of the usage chunk.
const VENDORS: [(&str, &str, &str, &str); 16] = [
    ("openai", "https://api.openai.com/v1/", "authorization", "add"),
    ("azure", "https://example.openai.azure.com/openai/v1/", "api-key", "add"),
    ("cerebras", "https://api.cerebras.ai/v1/", "authorization", "add"),
    ("chatgpt", "https://chatgpt.com/backend-api/codex/", "authorization", "add"),
    ("deepseek", "https://api.deepseek.com/v1/", "authorization", "add"),
    ("fireworks", "https://api.fireworks.ai/inference/v1/", "authorization", "add"),
    ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai/", "authorization", "add"),
    ("groq", "https://api.groq.com/openai/v1/", "authorization", "add"),
    ("lmstudio", "http://localhost:1234/v1/", "authorization", "add"),
    ("mistral", "https://api.mistral.ai/v1/", "authorization", "native"),
    ("moonshot", "https://api.moonshot.ai/v1/", "authorization", "add"),
    ("ollama", "http://localhost:11434/v1/", "authorization", "add"),
    ("openrouter", "https://openrouter.ai/api/v1/", "authorization", "native"),
    ("together", "https://api.together.xyz/v1/", "authorization", "add"),
    ("vllm", "http://localhost:8000/v1/", "authorization", "add"),
    ("xai", "https://api.x.ai/v1/", "authorization", "add"),
];

const KEY: &str = "key-of-the-vendor-0123456789";
const OWN: &str = "own-key-of-the-client-0123";
const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;

/// The settings of a provider with `preset`, at the scripted provider `at`, and with `more` settings.
fn provider(preset: &str, at: &ScriptedProvider, more: &str) -> String {
    format!("[[provider]]\npreset = \"{preset}\"\nbase_url = \"{}\"\n{more}\n", at.base_url())
}

async fn chat(gateway: &Harness, name: &str, headers: &[(&str, &str)], body: &str) -> Response {
    RawClient::post(gateway.address, &format!("/{name}/v1/chat/completions"), headers, body).await
}

#[tokio::test]
async fn each_preset_sets_its_row() {
    for (preset, base_url, auth_header, usage_chunk) in VENDORS {
        let given = if preset == "azure" { format!("base_url = \"{base_url}\"") } else { String::new() };
        let settings = format!("[[provider]]\npreset = \"{preset}\"\n{given}");
        let checked = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).arg("check").run().await;
        assert_eq!(checked.status.code(), Some(0), "{preset}: {checked:?}");
        for line in [
            "type = \"openai\"".to_owned(),
            format!("preset = \"{preset}\""),
            format!("name = \"{preset}\""),
            format!("base_url = \"{base_url}\""),
            format!("route_prefix = \"/{preset}/v1\""),
            format!("auth_header = \"{auth_header}\""),
            format!("usage_chunk = \"{usage_chunk}\""),
        ] {
            assert!(
                checked.stdout.lines().any(|shown| shown == line),
                "{preset}: {line} in {}",
                checked.stdout
            );
        }
    }
}

#[tokio::test]
async fn each_preset_is_served_under_its_name_with_its_key() {
    let vendor = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let mut settings = String::new();
    for (preset, ..) in VENDORS {
        let keys = if preset == "chatgpt" { String::new() } else { format!("keys = [\"{KEY}\"]") };
        settings += &provider(preset, &vendor, &keys);
    }
    let gateway = Harness::start(&settings).await;
    for (preset, _, auth_header, _) in VENDORS {
        let own = format!("Bearer {OWN}");
        let response = chat(&gateway, preset, &[("Authorization", &own)], BODY).await;
        assert_eq!((response.status(), response.text()), (200, WHOLE), "{preset}");
        let sent = vendor.received().pop().unwrap();
        assert_eq!((sent.target.as_str(), &sent.body[..]), ("/v1/chat/completions", BODY.as_bytes()));
        let (header, key) = match preset {
            "chatgpt" => ("authorization", own.clone()),
            _ if auth_header == "authorization" => (auth_header, format!("Bearer {KEY}")),
            _ => (auth_header, KEY.to_owned()),
        };
        assert_eq!(sent.header_values(header), [key.as_str()], "{preset}");
        let others = ["authorization", "api-key", "x-api-key"].into_iter().filter(|other| *other != header);
        for other in others {
            assert_eq!(sent.header(other), None, "{preset} {other}");
        }
        let row = gateway.store.rows("aibridge_interceptions").pop().unwrap();
        assert_eq!((&row["provider"], &row["provider_name"]), (&"openai".into(), &preset.into()));
    }
}

#[tokio::test]
async fn the_key_error_of_gemini_cools_the_key() {
    let refused = r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#;
    let vendor = ScriptedProvider::start(move |request| match request.bearer() == Some(KEY) {
        true => Script::json(400, refused),
        false => Script::json(200, WHOLE),
    })
    .await;
    let keys = format!("keys = [\"{KEY}\", \"second-key-0123456789\"]");
    let gateway = Harness::start(&provider("gemini", &vendor, &keys)).await;
    for attempts in [2, 1] {
        let before = vendor.received().len();
        assert_eq!(chat(&gateway, "gemini", &[], BODY).await.status(), 200);
        assert_eq!(vendor.received().len() - before, attempts, "a cooling key is not tried");
    }
}

#[tokio::test]
async fn the_usage_limit_of_a_chatgpt_user_is_relayed() {
    let limited = r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_in_seconds":3600}}"#;
    let vendor = ScriptedProvider::start(move |request| match request.bearer() == Some(OWN) {
        true => Script::json(429, limited),
        false => Script::json(200, WHOLE),
    })
    .await;
    let gateway =
        Harness::start(&provider("chatgpt", &vendor, "[provider.circuit_breaker]\nfailure_threshold = 1"))
            .await;
    let own = format!("Bearer {OWN}");
    for _ in 0..2 {
        let response = chat(&gateway, "chatgpt", &[("Authorization", &own)], BODY).await;
        assert_eq!((response.status(), response.text()), (429, limited));
        let other =
            chat(&gateway, "chatgpt", &[("Authorization", "Bearer of-another-user-0123")], BODY).await;
        assert_eq!(other.status(), 200, "the limit concerns one user");
    }
    let rows = gateway.store.rows("aibridge_interceptions");
    let row = rows.iter().find(|row| row["upstream_status"] == 429).unwrap();
    assert_eq!((&row["credential_kind"], &row["error_type"]), (&"byok".into(), &"rate_limited".into()));
    let nobody = chat(&gateway, "chatgpt", &[], BODY).await;
    assert_eq!((nobody.status(), nobody.header("x-aibridge-error")), (401, Some("no_credential")));
}
