//! Settings of presets that are refused at the start.

use aibridge_testkit::Launch;

/// The settings of providers, the setting that the message names, and a part of its advice.
const REFUSED: [(&str, &str, &str); 22] = [
    (
        "preset = \"acme\"",
        "provider[0].preset",
        "openai, anthropic, azure, cerebras, chatgpt, copilot, deepseek, ",
    ),
    ("preset = \"OpenAI\"", "provider[0].preset", "openrouter"),
    ("preset = \"\"", "provider[0].preset", "openrouter"),
    (
        "preset = \"acme\"\nname = \"a\"\nbase_url = \"http://x\"",
        "provider[0].preset",
        "no preset but a base_url",
    ),
    ("type = \"openai\"\npreset = 1", "provider[0].preset", "write a string"),
    (
        "preset = \"azure\"",
        "provider[0].base_url",
        "base_url = \"https://RESOURCE.openai.azure.com/openai/v1/\"",
    ),
    ("preset = \"chatgpt\"\nkeys = [\"k\"]", "provider[0].keys", "remove them"),
    ("preset = \"groq\"\ntype = \"acme\"", "provider[0].type", "\"openai\""),
    ("preset = \"groq\"\n[[provider]]\npreset = \"groq\"", "provider[1].name", "groq-2"),
    ("preset = \"groq\"\nusage_chunk = \"none\"", "provider[0].usage_chunk", "\"native\""),
    ("preset = \"groq\"\nusage_chunk = true", "provider[0].usage_chunk", "write a string"),
    ("preset = \"groq\"\nauth_header = \"\"", "provider[0].auth_header", "api-key"),
    ("preset = \"groq\"\nauth_header = \"a b\"", "provider[0].auth_header", "api-key"),
    ("preset = \"groq\"\nauth_header = \"Host\"", "provider[0].auth_header", "another meaning"),
    ("preset = \"groq\"\nauth_header = \"Content-Type\"", "provider[0].auth_header", "another meaning"),
    ("preset = \"groq\"\nauth_header = \"X-AIBridge-Token\"", "provider[0].auth_header", "another meaning"),
    (
        "preset = \"azure\"\nbase_url = \"http://x\"\nextra_headers = { Api-Key = \"k\" }",
        "provider[0].extra_headers.Api-Key",
        "add the key to keys",
    ),
    ("preset = \"groq\"\nroute_prefix = \"v1\"", "provider[0].route_prefix", "/openai/v1"),
    ("preset = \"groq\"\nroute_prefix = \"/\"", "provider[0].route_prefix", "/openai/v1"),
    ("preset = \"groq\"\nroute_prefix = \"/api/x\"", "provider[0].route_prefix", "the gateway itself"),
    (
        "preset = \"groq\"\nroute_prefix = \"/a\"\n[[provider]]\npreset = \"xai\"\nroute_prefix = \"/a\"",
        "provider[1].route_prefix",
        "the prefix of provider[0]",
    ),
    (
        "preset = \"groq\"\n[[provider]]\npreset = \"xai\"\nroute_prefix = \"/groq\"",
        "provider[1].route_prefix",
        "overlaps",
    ),
];

fn aibridge(settings: &str) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("[[provider]]\n{settings}")).arg("check")
}

#[tokio::test]
async fn a_bad_preset_is_refused_with_its_setting_and_advice() {
    for (settings, named, advice) in REFUSED {
        let ended = aibridge(settings).run().await;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{settings}: {ended:?}");
        let problem = ended.stderr.strip_prefix("aibridge: ").unwrap();
        assert_eq!(problem.lines().count(), 1, "{settings}: {problem}");
        assert!(problem.starts_with(&format!("aibridge.toml: {named}: ")), "{settings}: {problem}");
        assert!(problem.contains(advice), "{settings}: {problem}");
    }
}

#[tokio::test]
async fn all_problems_of_all_providers_are_reported_at_once() {
    let settings = "preset = \"acme\"\nkeys = [\"env:UNSET\"]\n[[provider]]\npreset = \"azure\"\nusage_chunk = \"x\"\n[[provider]]\npreset = \"chatgpt\"\nkeys = [\"k\"]";
    let ended = aibridge(settings).run().await;
    let places: Vec<_> =
        ended.stderr.lines().map(|line| line.rsplit("aibridge.toml: ").next().unwrap()).collect();
    let places: Vec<_> = places.iter().map(|place| place.split(": ").next().unwrap()).collect();
    let expected = [
        "provider[0].preset",
        "provider[0].keys[0]",
        "provider[1].base_url",
        "provider[1].usage_chunk",
        "provider[2].keys",
    ];
    assert_eq!(places, expected, "{}", ended.stderr);
}
