//! The output of a start, and the messages of a failed one.

use super::{aibridge, run};
use crate::harness::provider_settings;
use std::net::TcpListener;

#[tokio::test]
async fn the_start_prints_base_urls_keys_and_the_store() {
    let settings = [
        provider_settings("http://127.0.0.1:9/v1", &["sk-first-key-0123456789", "sk-second-key-012345678"]),
        provider_settings("http://127.0.0.1:9/deep/v1/", &["sk-first-key-0123456789"])
            .replace("type", "name = \"groq-eu\"\ntype"),
        provider_settings("http://127.0.0.1:9/v1", &[]).replace("type", "name = \"own\"\ntype"),
    ];
    let gateway = aibridge().config(settings.concat()).start().await;
    gateway.wait_for_output("auth ").await; // the last line of the output
    let output = gateway.stdout();
    let line = |start: &str| {
        output.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{output}"))
    };

    assert!(line("aibridge ").contains(&format!("listening on {}", gateway.url())), "{output}");
    let openai = line("provider openai:");
    assert!(openai.contains(&format!(" {} ", gateway.base_url("openai"))), "{output}");
    assert!(openai.contains("2 keys (sk-f...6789, sk-s...5678)"), "{output}");
    let groq = line("provider groq-eu:");
    assert!(groq.contains(&format!(" {} ", gateway.base_url("groq-eu"))), "{output}");
    assert!(groq.contains("http://127.0.0.1:9/deep/v1/") && groq.contains("1 key (sk-f...6789)"), "{output}");
    let own = line("provider own:");
    assert!(own.contains("no keys") && own.contains("BYOK"), "{output}");
    assert!(
        line("store ").contains(&format!("sqlite:{}", gateway.launch().store_path().display())),
        "{output}"
    );
    assert!(line("auth ").contains("anonymous"), "{output}");
    assert!(!output.contains("key-01"), "{output}");
}

#[tokio::test]
async fn without_settings_the_default_provider_is_printed() {
    let gateway = aibridge().start().await;
    let output = gateway.stdout();
    let expected = format!("{} -> https://api.openai.com/v1/", gateway.base_url("openai"));
    assert!(output.contains(&expected) && output.contains("no keys"), "{output}");
}

#[tokio::test]
async fn proxies_are_printed_without_credentials() {
    let launch =
        aibridge().env("HTTPS_PROXY", "http://me:hunter2@proxy.test:3128").env("NO_PROXY", "127.0.0.1");
    let gateway = launch.start().await;
    gateway.wait_for_output("NO_PROXY=127.0.0.1").await;
    gateway.wait_for_output("HTTPS_PROXY=http://...@proxy.test:3128").await;
    assert!(!gateway.stdout().contains("hunter2"));
}

#[tokio::test]
async fn an_address_in_use_is_a_failure_that_names_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
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
async fn a_public_address_requires_tokens_or_insecure() {
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
