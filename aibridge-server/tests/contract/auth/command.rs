//! `aibridge token` of the real binary, beside a running gateway.

use crate::endpoints::{CHAT, KEYS};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, ProcessOutput, RawClient, Script, ScriptedProvider, poll_until};
use std::net::SocketAddr;

/// Runs `aibridge token WORDS` with the settings and the store of `launch`.
async fn token(launch: &Launch, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", launch.store_path().display());
    let config = launch.config_path().display().to_string();
    let words = ["token"].into_iter().chain(words.iter().copied());
    let all = words.chain(["--config", config.as_str(), "--store", store.as_str()]);
    all.fold(launch.clone(), Launch::arg).run().await
}

async fn status(address: SocketAddr, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    RawClient::post(address, CHAT.target, &[("Authorization", &bearer)], CHAT.body).await.status()
}

#[tokio::test]
async fn a_token_is_created_shown_once_listed_and_revoked() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let settings = provider_settings(&provider.base_url(), &KEYS[..1]);
    let launch =
        Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("[auth]\nmode = \"tokens\"\n{settings}"));
    let gateway = launch.start().await;

    let created = token(&launch, &["create", "--user", "ann", "--expires", "90d"]).await;
    assert_eq!((created.status.code(), created.stderr.as_str()), (Some(0), ""), "{created:?}");
    let secret = created.stdout.lines().next().unwrap();
    assert!(secret.starts_with("aib_") && secret.len() > 40 && !secret.contains(' '), "{secret}");
    assert!(created.stdout.contains("ann"), "{}", created.stdout);
    assert_eq!(status(gateway.address(), secret).await, 200);

    let listed = token(&launch, &["list"]).await;
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    let line = listed.stdout.lines().find(|line| line.contains("ann")).unwrap();
    let hint = format!("aib_...{}", &secret[secret.len() - 4..]);
    assert!(line.contains(&hint) && !listed.stdout.contains(secret), "{line}");
    let id = line.split_whitespace().next().unwrap();
    assert_eq!(line.split_whitespace().nth(4), Some("-"), "no admin: {line}");
    assert_eq!(token(&launch, &["create", "--user", "root", "--admin"]).await.status.code(), Some(0));
    let listed = token(&launch, &["list"]).await;
    let admin = listed.stdout.lines().find(|line| line.contains("root")).unwrap();
    assert_eq!(admin.split_whitespace().nth(4), Some("yes"), "{admin}");

    let revoked = token(&launch, &["revoke", id]).await;
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    let is_refused = async || status(gateway.address(), secret).await == 401;
    poll_until(is_refused, "the revoked token to be refused").await;
}

#[tokio::test]
async fn exit_codes_distinguish_bad_usage_from_failure() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config("");
    let nobody = "01890000-0000-7000-8000-000000000000";
    let table: [(&[&str], i32, &str); 11] = [
        (&["create", "--user", "ann"], 0, ""),
        (&["create", "--user", "ann", "--expires", "1h 30m"], 0, ""),
        (&["create", "--user", "ann", "--admin"], 0, ""),
        (&["list"], 0, ""),
        (&["create"], 2, "--user"),
        (&["create", "--user", "ann", "--expires", "soon"], 2, "such as 90d"),
        (&["create", "--user", "ann", "--expires", "0s"], 2, "future"),
        (&["create", "--user", ""], 2, "empty"),
        (&["revoke", "not-an-id"], 2, "not-an-id"),
        (&["revoke", nobody], 1, nobody),
        (&["burn"], 2, "burn"),
    ];
    for (words, code, message) in table {
        let ended = token(&launch, words).await;
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(message), "{words:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.is_empty(), code == 0, "{words:?}: {}", ended.stderr);
        assert_eq!(ended.stdout.is_empty(), code != 0, "{words:?}: {}", ended.stdout);
    }
}
