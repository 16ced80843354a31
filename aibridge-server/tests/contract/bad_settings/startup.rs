//! What a start says, and what it says when it fails.

use super::{aibridge, run};
use crate::harness::provider_settings;
use std::net::TcpListener;

#[tokio::test]
async fn a_newcomer_can_copy_base_urls_and_sees_what_is_recorded_where() {
    let settings = [
        provider_settings("http://127.0.0.1:9/v1", &["sk-first-key-0123456789", "sk-second-key-012345678"]),
        provider_settings("http://127.0.0.1:9/deep/v1/", &["sk-first-key-0123456789"])
            .replace("type", "name = \"groq-eu\"\ntype"),
        provider_settings("http://127.0.0.1:9/v1", &[]).replace("type", "name = \"own\"\ntype"),
    ];
    let gateway = aibridge().config(settings.concat()).start().await;
    gateway.said("auth ").await; // below all of them
    let said = gateway.stdout();
    let line =
        |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{said}"));

    assert!(line("aibridge ").contains(&format!("listening on {}", gateway.url())), "{said}");
    let openai = line("provider openai:");
    assert!(openai.contains(&format!(" {} ", gateway.base_url("openai"))), "{said}");
    assert!(openai.contains("2 keys (sk-f...6789, sk-s...5678)"), "{said}");
    let groq = line("provider groq-eu:");
    assert!(groq.contains(&format!(" {} ", gateway.base_url("groq-eu"))), "{said}");
    assert!(groq.contains("http://127.0.0.1:9/deep/v1/") && groq.contains("1 key (sk-f...6789)"), "{said}");
    let own = line("provider own:");
    assert!(own.contains("no keys") && own.contains("BYOK"), "{said}");
    assert!(
        line("store ").contains(&format!("sqlite:{}", gateway.launch().store_path().display())),
        "{said}"
    );
    assert!(line("auth ").contains("anonymous"), "{said}");
    assert!(!said.contains("key-01"), "{said}");
}

#[tokio::test]
async fn proxies_that_are_honoured_are_shown_without_their_credentials() {
    let launch =
        aibridge().env("HTTPS_PROXY", "http://me:hunter2@proxy.test:3128").env("NO_PROXY", "127.0.0.1");
    let gateway = launch.start().await;
    gateway.said("NO_PROXY=127.0.0.1").await;
    gateway.said("HTTPS_PROXY=http://...@proxy.test:3128").await;
    assert!(!gateway.stdout().contains("hunter2"));
}

#[tokio::test]
async fn an_address_in_use_is_a_failure_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run("", &["--listen", &address]).await;
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains(&address) && ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_a_failure_that_names_it() {
    for (path, about) in
        [("no/such/dir/a.db", "no directory"), (".", "a directory"), ("aibridge.toml", "no database")]
    {
        for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["token", "list"]] {
            let store = format!("sqlite:{path}");
            let words = [words, &["--store", &store]].concat();
            let ended =
                run("# not a database, but long enough to be looked at as one, or so it seems\n", &words)
                    .await;
            assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{about}: {ended:?}");
            assert!(ended.stderr.contains(path), "{about}: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn an_open_address_is_for_who_asks_for_tokens_or_says_so() {
    for (settings, code) in [
        ("", 2),
        ("[server]\ninsecure = true", 0),
        ("[auth]\nmode = \"tokens\"", 0),
        ("[auth]\nmode = \"none\"", 2),
    ] {
        let ended = run(settings, &["check", "--listen", "0.0.0.0:8080"]).await;
        assert_eq!(ended.status.code(), Some(code), "{settings}: {ended:?}");
    }
}
