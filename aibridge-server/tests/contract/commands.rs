//! Commands of the real binary: their output, their files and their refusals.

use crate::endpoints::KEYS;
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, ProcessOutput, ScriptedProvider, Store};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge"))
}

/// Runs `aibridge WORDS` on the store of `launch`.
async fn run(launch: &Launch, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", launch.store_path().display());
    let all = words.iter().copied().chain(["--store", store.as_str()]);
    all.fold(launch.clone(), Launch::arg).run().await
}

/// Like [`run`], with a standard output that accepts no bytes.
async fn run_to_full(launch: &Launch, words: &str) -> ProcessOutput {
    let script = format!(
        "exec '{}' {words} --store 'sqlite:{}' > /dev/full",
        env!("CARGO_BIN_EXE_aibridge"),
        launch.store_path().display()
    );
    let shell = Launch::new("/bin/sh").arg("-c").arg(script);
    shell.run().await
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let launch = launch();
    assert_eq!(run(&launch, &["token", "create", "--user", "ann"]).await.status.code(), Some(0));
    for words in ["check", "token list", "interceptions list", "usage", "sessions", "export --format csv"] {
        let ended = run_to_full(&launch, words).await;
        assert_eq!(ended.status.code(), Some(1), "{words}: {ended:?}");
        assert!(ended.stderr.contains("No space left"), "{words}: {ended:?}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_printed_is_revoked() {
    let launch = launch();
    let ended = run_to_full(&launch, "token create --user ann").await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot show the new token"), "{ended:?}");
    assert!(ended.stderr.contains("it is revoked"), "{ended:?}");
    let tokens = Store::new(launch.store_path()).rows("aibridge_tokens");
    assert!(tokens.len() == 1 && !tokens[0]["revoked_at"].is_null(), "{tokens:?}");
}

#[tokio::test]
async fn user_names_cannot_control_the_terminal_of_token_list() {
    let launch = launch();
    let created = run(&launch, &["token", "create", "--user", "ann\u{202e}nimda\u{200b}"]).await;
    assert_eq!(created.status.code(), Some(0), "{created:?}");
    let listed = run(&launch, &["token", "list"]).await;
    for text in [created.stdout, listed.stdout] {
        assert!(text.contains("ann\\u{202e}nimda\\u{200b}"), "{text}");
    }
}

#[tokio::test]
async fn a_time_without_a_zone_is_refused() {
    let launch = launch();
    run(&launch, &["token", "list"]).await;
    for words in [["usage", "--since"], ["sessions", "--until"]] {
        let ended = run(&launch, &[words[0], words[1], "2026-01-31T12:00:00"]).await;
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains("2026-01-31T12:00:00Z for UTC"), "{ended:?}");
        for good in ["2026-01-31", "2026-01-31T12:00:00+02:00", "7d"] {
            assert_eq!(run(&launch, &[words[0], words[1], good]).await.status.code(), Some(0), "{good}");
        }
    }
}

#[tokio::test]
async fn arguments_that_select_nothing_are_refused() {
    let launch = launch();
    run(&launch, &["token", "list"]).await;
    let table: [(&[&str], &str); 8] = [
        (&["interceptions", "list", "--limit", "0"], "from 1"),
        (&["sessions", "--limit", "0"], "from 1"),
        (&["interceptions", "list", "--since", "1h", "--until", "2h"], "is not after --since"),
        (&["usage", "--since", "2026-01-31", "--until", "2026-01-31"], "is not after --since"),
        (&["sessions", "--since", "2026-01-31", "--until", "2026-01-30"], "is not after --since"),
        (&["export", "--format", "csv", "--since", "1h", "--until", "2h"], "is not after --since"),
        (&["usage", "--by", "user,user"], "user twice"),
        (&["usage", "--by", "user", "--by", "day,user"], "user twice"),
    ];
    for (words, advice) in table {
        let ended = run(&launch, words).await;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(ended.stderr.contains(advice), "{words:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn check_warns_about_prices_that_apply_to_nothing() {
    let launch = launch();
    let file = launch.dir().join("prices.toml");
    fs::write(&file, "[[price]]\nprovider = \"nobody\"\nmodel = \"m\"\ninput = 1\n").unwrap();
    let ended = launch.config(format!("[prices]\nfile = {file:?}\n")).arg("check").run().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.contains("warning: the price of nobody/m applies to nothing"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_export_does_not_overwrite_a_file() {
    let launch = launch();
    run(&launch, &["token", "list"]).await;
    let (output, part) = (launch.dir().join("out"), launch.dir().join("out.part"));
    let export = ["export", "--format", "csv", "--output", output.to_str().unwrap()];
    let victim = launch.dir().join("victim");
    fs::write(&victim, "mine").unwrap();
    symlink(&victim, &part).unwrap();
    let refused = async || {
        let ended = run(&launch, &export).await;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("out.part exists"), "{ended:?}");
    };
    refused().await;
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    fs::remove_file(&part).unwrap();

    fs::write(&part, "").unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o644)).unwrap();
    refused().await;
    assert!(part.exists() && !output.exists(), "the other export may go on");
    fs::remove_file(&part).unwrap();

    assert_eq!(run(&launch, &export).await.status.code(), Some(0));
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!part.exists());
}

#[tokio::test]
async fn a_pipe_is_refused_as_a_settings_file_and_reloads_continue() {
    let launch = launch().config(provider_settings(&ScriptedProvider::unreachable_base_url().await, &KEYS));
    let gateway = launch.start().await;
    let (path, pipe) = (launch.config_path(), launch.dir().join("pipe"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::rename(&pipe, &path).unwrap();
    gateway.wait_for_output("it is a pipe or a socket: name a file").await;
    let ended = self::launch().arg("check").arg("--config").arg(&path).run().await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");

    let beside = launch.dir().join("next");
    fs::write(&beside, text + "\n[limits]\nrequests_per_minute = 7\n").unwrap();
    fs::rename(&beside, &path).unwrap();
    gateway.wait_for_output(r#"settings=["limits.requests_per_minute"]"#).await;
}

#[tokio::test]
async fn a_settings_file_of_comments_alone_replaces_nothing() {
    let launch = launch().config(provider_settings(&ScriptedProvider::unreachable_base_url().await, &KEYS));
    let gateway = launch.start().await;
    let beside = launch.dir().join("next");
    fs::write(&beside, "# [[provider]]\n\n  # type = \"openai\"\n").unwrap();
    fs::rename(&beside, launch.config_path()).unwrap();
    gateway.wait_for_output("has no settings, and had some before").await;
    assert!(!gateway.stderr().contains("settings reloaded"), "{}", gateway.stderr());
}
