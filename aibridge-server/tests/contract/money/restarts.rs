//! Spending is kept across restarts and reloads, and `aibridge budgets list` shows it.

use super::{BODY, CHAT, DOLLAR, dollar_provider, settings};
use crate::reload;
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{Gateway, Launch, ProcessOutput, RawClient};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

async fn post(gateway: &Gateway) -> u16 {
    RawClient::post(gateway.address(), CHAT, &[], BODY).await.status()
}

async fn stop(gateway: Gateway) {
    gateway.terminate();
    assert!(gateway.wait_exit().await.status.success());
}

/// Runs `aibridge budgets list WORDS` with the settings and the store of `launch`, and the address of a gateway.
async fn list(launch: &Launch, address: &str, words: &[&str]) -> ProcessOutput {
    let store = format!("sqlite:{}", launch.store_path().display());
    let config = launch.config_path().display().to_string();
    let all = ["budgets", "list", "--config", &config, "--store", &store, "--listen", address];
    let done = all.iter().chain(words).fold(launch.clone(), |launch, word| launch.arg(*word)).run().await;
    assert!(done.status.success(), "{done:?}");
    done
}

#[tokio::test]
async fn a_restart_and_a_reload_keep_what_was_spent() {
    let provider = dollar_provider().await;
    let without = reload::launch(settings("", &provider));
    let gateway = without.start().await;
    assert_eq!(post(&gateway).await, 200);
    stop(gateway).await;

    let gateway = without.start().await;
    reload::settings(&gateway, &settings(DOLLAR, &provider), "settings reloaded").await;
    assert_eq!(post(&gateway).await, 429, "the first budget counts what was spent before the restart");
    let two = DOLLAR.replace("1 USD", "2 USD");
    stop(gateway).await;

    let gateway = without.clone().config(settings(&two, &provider)).start().await;
    assert_eq!(post(&gateway).await, 200, "a dollar is left");
    assert_eq!(post(&gateway).await, 429, "both dollars are spent");
    stop(gateway).await;
}

#[tokio::test]
async fn budgets_are_listed_with_and_without_a_gateway() {
    let provider = dollar_provider().await;
    let launch = reload::launch(settings(&DOLLAR.replace("1 USD", "3 USD"), &provider));
    let nothing = list(&launch, "127.0.0.1:9", &["--json"]).await;
    let nothing: Value = serde_json::from_str(&nothing.stdout).unwrap();
    assert_eq!(nothing[0]["spent_nano_usd"], 0, "before the first start");
    let gateway = launch.start().await;
    assert_eq!(post(&gateway).await, 200);
    let address = gateway.address().to_string();
    let running = list(&launch, &address, &[]).await;
    assert_eq!(running.stderr, "");
    let lines: Vec<Vec<&str>> =
        running.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..5], ["SCOPE", "MATCH", "NAME", "AMOUNT", "PERIOD"]);
    assert_eq!((lines.len(), lines[1][..2].to_vec()), (2, vec!["user", "*"]));
    assert_eq!(lines[1][3..8], ["$3.00", "month", "$1.00", "$0.00", "$2.00"]);
    let json = list(&launch, &address, &["--json"]).await;
    let mut row = serde_json::from_str::<Value>(&json.stdout).unwrap()[0].take();
    assert_eq!((&row["reserved_nano_usd"], &row["remaining_usd"]), (&json!(0), &json!(2.0)));
    stop(gateway).await;

    let stopped = list(&launch, &address, &["--json"]).await;
    assert!(stopped.stderr.contains("no gateway answers"), "{}", stopped.stderr);
    (row["reserved_nano_usd"], row["reserved_usd"]) = (Value::Null, Value::Null);
    assert_eq!(serde_json::from_str::<Value>(&stopped.stdout).unwrap(), json!([row]));

    let with_tokens = format!("[auth]\nmode = \"tokens\"\n{}", settings(DOLLAR, &provider));
    let with_tokens = launch.clone().config(with_tokens);
    let gateway = with_tokens.start().await;
    let options = Options::new(launch.store_path());
    let token = Tokens::open(&options).unwrap().create_admin("ann", None).unwrap().1;
    let address = gateway.address().to_string();
    let refused = list(&with_tokens, &address, &[]).await;
    assert!(refused.stderr.contains("AIBRIDGE_TOKEN"), "{}", refused.stderr);
    let admitted = with_tokens.clone().env("AIBRIDGE_TOKEN", token.expose_secret());
    assert_eq!(list(&admitted, &address, &[]).await.stderr, "");
    stop(gateway).await;
}
