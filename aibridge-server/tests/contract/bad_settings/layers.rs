//! The layers of settings, as `aibridge check` prints them.

use super::{aibridge, problems};
use aibridge_testkit::Launch;

/// Runs `check`, requires exit code 0, and returns the printed settings.
async fn run_check(launch: Launch) -> String {
    let ended = launch.arg("check").run().await;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout
}

fn assert_prints(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|printed| printed == *line), "{line:?} is missing in\n{text}");
    }
}

#[tokio::test]
async fn without_settings_the_defaults_are_printed() {
    let text = run_check(aibridge()).await;
    assert_prints(
        &text,
        &[
            "listen = \"127.0.0.1:8080\"",
            "shutdown_grace = \"30s\"",
            "insecure = false",
            "mode = \"none\"",
            "byok = true",
            "url = \"sqlite:aibridge.db\"",
            "durability = \"process\"",
            "type = \"openai\"",
            "name = \"openai\"",
            "base_url = \"https://api.openai.com/v1/\"",
            "keys = []",
            "send_actor_headers = false",
            "connect_timeout = \"10s\"",
        ],
    );
    // The standard environment variables configure the default provider.
    let launch =
        aibridge().env("OPENAI_API_KEY", "sk-0123456789abcdefghij").env("OPENAI_BASE_URL", "http://x/v1");
    assert_prints(&run_check(launch).await, &["keys = [\"sk-0...ghij\"]", "base_url = \"http://x/v1/\""]);
}

#[tokio::test]
async fn later_layers_win_setting_by_setting() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nmax_body_bytes = \"1MiB\"\n[store]\nurl = \"sqlite:file.db\"\n[auth]\nbyok = false";
    let launch = aibridge().config(file);
    assert_prints(
        &run_check(launch.clone()).await,
        &["listen = \"127.0.0.1:1\"", "url = \"sqlite:file.db\"", "byok = false"],
    );
    let launch =
        launch.env("AIBRIDGE_SERVER__LISTEN", "127.0.0.1:2").env("AIBRIDGE_STORE__URL", "sqlite:env.db");
    assert_prints(
        &run_check(launch.clone()).await,
        &["listen = \"127.0.0.1:2\"", "url = \"sqlite:env.db\"", "byok = false"],
    );
    let launch = launch.arg("--listen").arg("127.0.0.1:3").arg("--store").arg("sqlite:flag.db");
    assert_prints(
        &run_check(launch).await,
        &["listen = \"127.0.0.1:3\"", "url = \"sqlite:flag.db\"", "byok = false"],
    );
}

#[tokio::test]
async fn an_explicit_settings_file_replaces_the_default_file() {
    let launch = aibridge().config("[auth]\nbyok = false");
    std::fs::write(launch.dir().join("other.toml"), "[auth]\nmode = \"tokens\"").unwrap();
    let text = run_check(launch.arg("--config").arg("other.toml")).await;
    assert_prints(&text, &["mode = \"tokens\"", "byok = true"]);
}

#[tokio::test]
async fn credentials_from_every_source_are_masked() {
    let settings = "[[provider]]\ntype = \"openai\"\n\
        keys = [\"env:MY_KEY\", \"file:key.txt\", \"sk-literal-0123456789\", \"short\"]\n\
        extra_headers = { X-Secret = \"header-secret-0123456789\" }\n";
    let launch = aibridge().config(settings).env("MY_KEY", "sk-of-env-0123456789\n");
    std::fs::write(launch.dir().join("key.txt"), "sk-of-file-0123456789\n").unwrap();
    let text = run_check(launch).await;
    let keys = r#"keys = ["sk-o...6789", "sk-o...6789", "sk-l...6789", "s...t"]"#;
    assert_prints(&text, &[keys, "x-secret = \"head...6789\""]);
    for secret in ["of-env", "of-file", "literal", "short", "header-secret"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_bad_variable_is_named_like_a_bad_setting() {
    for (name, value, named) in [
        ("AIBRIDGE_SERVER__LISTEN", "here", "server.listen"),
        ("AIBRIDGE_AUTH__BYOK", "maybe", "auth.byok"),
        ("AIBRIDGE_AUTH__COLOUR", "red", "auth.colour"),
        ("AIBRIDGE_NONSENSE", "x", "nonsense"),
    ] {
        let ended = aibridge().config("").env(name, value).arg("check").run().await;
        let problems = problems(&ended, name);
        assert!(problems[0].starts_with(&format!("{name}: {named}: ")), "{problems:?}");
    }
}
