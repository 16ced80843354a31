//! `aibridge prices recompute`, beside a running gateway.

use super::{CHAT, settings};
use crate::reload;
use aibridge_testkit::{
    Gateway, Launch, Postgres, ProcessOutput, RawClient, Row, Script, ScriptedProvider, wait_until, within,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const GPT: &str = "genai-prices-0.2.1:openai/gpt-4.1";

/// A provider whose response has half a million tokens of input, names the model of the request, and states the cost if the
/// model is `stated`.
async fn provider() -> ScriptedProvider {
    ScriptedProvider::start(|request| {
        let body = request.json();
        let model = body["model"].as_str().unwrap();
        let usage = match model {
            "stated" => r#""prompt_tokens":500000,"completion_tokens":0,"total_tokens":500000,"cost":0.25"#,
            _ => r#""prompt_tokens":500000,"completion_tokens":0,"total_tokens":500000"#,
        };
        let named = if model == "alias" { "gpt-4.1-2025-04-14" } else { model };
        Script::json(
            200,
            format!(
                r#"{{"id":"c1","object":"chat.completion","model":"{named}","choices":[{{"index":0,"finish_reason":"stop","message":{{"role":"assistant","content":"x"}}}}],"usage":{{{usage}}}}}"#
            ),
        )
    })
    .await
}

const MODELS: [&str; 4] = ["gpt-4.1", "alias", "mystery", "stated"];

async fn post_all(gateway: &Gateway) {
    for model in MODELS {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#);
        assert_eq!(RawClient::post(gateway.address(), CHAT, &[], &body).await.status(), 200);
    }
}

/// Runs `aibridge prices recompute WORDS` with the settings of `launch`.
async fn recompute(launch: &Launch, store: &str, words: &[&str]) -> ProcessOutput {
    let config = launch.config_path().display().to_string();
    let all = ["prices", "recompute", "--config", &config, "--store", store];
    all.iter().chain(words).fold(launch.clone(), |launch, word| launch.arg(*word)).run().await
}

fn launch(provider: &ScriptedProvider) -> Launch {
    let launch = reload::launch(String::new());
    let file = launch.dir().join("prices.toml");
    std::fs::write(&file, "version = \"1\"\n").unwrap();
    let prices = format!("[prices]\nfile = \"{}\"", file.display());
    launch.config(settings(&prices, provider))
}

/// Costs, statuses and price ids in the order of the requests.
fn costs(rows: &[Row]) -> Vec<Value> {
    rows.iter().map(|row| json!([row["cost_nano_usd"], row["cost_status"], row["price_id"]])).collect()
}

fn first_costs() -> Vec<Value> {
    vec![
        json!([1_000_000_000, "priced", GPT]),
        json!([1_000_000_000, "priced", GPT]),
        json!([null, "unpriced", null]),
        json!([250_000_000, "priced", "provider"]),
    ]
}

const NEW_PRICES: &str = "version = \"2\"\n[[price]]\nmodel = \"gpt-4.1\"\ninput = 3\n[[price]]\nmodel = \"mystery\"\ninput = 1\n[[price]]\nmodel = \"stated\"\ninput = 9\n";

fn new_costs() -> Vec<Value> {
    vec![
        json!([1_500_000_000, "priced", "prices.toml-2:gpt-4.1"]),
        json!([1_500_000_000, "priced", "prices.toml-2:gpt-4.1"]),
        json!([500_000_000, "priced", "prices.toml-2:mystery"]),
        json!([250_000_000, "priced", "provider"]),
    ]
}

/// Checks what the command prints: the counts and sums of each model, and one sentence.
fn assert_report(report: &ProcessOutput, is_dry_run: bool) {
    assert!(report.status.success(), "{report:?}");
    let lines: Vec<Vec<&str>> = report.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        ["openai", "alias", "1", "1", "0", "$1.00", "$1.50"],
        ["openai", "gpt-4.1", "1", "1", "0", "$1.00", "$1.50"],
        ["openai", "mystery", "1", "1", "1", "$0.00", "$0.50"],
        ["openai", "stated", "1", "0", "0", "$0.25", "$0.25"],
    ];
    assert_eq!(lines[1..5], expected, "{}", report.stdout);
    let (change, is) = if is_dry_run { ("would change", "would be") } else { ("changed", "is") };
    for part in [
        format!("3 {change}, 1 of them had no price"),
        "1 are kept (1 stated by the provider)".to_owned(),
        format!("The sum was $2.25 and {is} $3.75."),
    ] {
        assert!(report.stdout.contains(&part), "{part}: {}", report.stdout);
    }
    assert_eq!(report.stdout.contains("Nothing was written"), is_dry_run);
}

/// Plays the whole story on the store at `url`, whose usages `rows` returns.
async fn assert_recomputes(launch: &Launch, gateway: Gateway, url: &str, rows: impl AsyncFn() -> Vec<Row>) {
    post_all(&gateway).await;
    assert_eq!(costs(&rows().await), first_costs());
    std::fs::write(launch.dir().join("prices.toml"), NEW_PRICES).unwrap();
    assert_report(&recompute(launch, url, &["--since", "1d", "--dry-run"]).await, true);
    assert_eq!(costs(&rows().await), first_costs(), "history is rewritten by an explicit act only");
    let past = recompute(launch, url, &["--since", "2d", "--until", "1d", "--json"]).await;
    let past: Value = serde_json::from_str(&past.stdout).unwrap();
    assert_eq!((&past["usages"], &past["changed"], &past["models"]), (&json!(0), &json!(0), &json!([])));

    assert_report(&recompute(launch, url, &["--since", "1d"]).await, false);
    assert_eq!(costs(&rows().await), new_costs());
    let again = recompute(launch, url, &["--since", "1d", "--json"]).await;
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (&again["changed"], &again["unchanged"], &again["kept"]),
        (&json!(0), &json!(3), &json!({"stated by the provider": 1}))
    );
    let usage = RawClient::get(gateway.address(), "/api/v1/totals").await.json();
    assert_eq!(usage["data"][0]["cost_nano_usd"], 3_750_000_000_u64, "{usage}");
    gateway.terminate();
    assert!(gateway.wait_exit().await.status.success());
    let gateway = launch.start().await;
    let me = RawClient::get(gateway.address(), "/api/v1/me").await.json();
    assert_eq!(me["spend"][2]["spent_nano_usd"], 3_750_000_000_u64, "{me}");
}

#[tokio::test]
async fn recorded_costs_are_recomputed_on_sqlite() {
    let provider = provider().await;
    let launch = launch(&provider);
    let gateway = launch.start().await;
    let (url, store) = (format!("sqlite:{}", launch.store_path().display()), gateway.store());
    assert_recomputes(&launch, gateway, &url, async || store.rows("aibridge_token_usages")).await;
}

#[tokio::test]
async fn recorded_costs_are_recomputed_on_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let provider = provider().await;
    let launch = launch(&provider).store(server.url());
    server.follow_journal(launch.dir().join("aibridge.journal"));
    let gateway = launch.start().await;
    assert_recomputes(&launch, gateway, &server.url(), async || server.rows("aibridge_token_usages").await)
        .await;
}

/// Requests are recorded while costs are recomputed. Every cost is that of the old or of the new price.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_while_costs_are_recomputed() {
    let provider = provider().await;
    let launch = launch(&provider);
    let gateway = launch.start().await;
    let (address, url) = (gateway.address(), format!("sqlite:{}", launch.store_path().display()));
    let (served, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (served, stop) = (Arc::clone(&served), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(RawClient::post(address, CHAT, &[], super::BODY).await.status(), 200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    wait_until(|| served.load(Ordering::Relaxed) > 300, "requests to be served").await;
    let mut changed = 0;
    for prices in [NEW_PRICES, "version = \"3\"\n", NEW_PRICES] {
        std::fs::write(launch.dir().join("prices.toml"), prices).unwrap();
        let so_far = served.load(Ordering::Relaxed);
        let done = recompute(&launch, &url, &["--since", "1d", "--json"]).await;
        assert!(done.status.success(), "{done:?}");
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        changed += report["changed"].as_u64().unwrap();
        wait_until(|| served.load(Ordering::Relaxed) > so_far + 50, "more requests to be served").await;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        within(client, "a client to end").await.unwrap();
    }
    assert!(changed > 500, "{changed}");
    let rows = gateway.store().rows("aibridge_token_usages");
    assert_eq!(rows.len(), served.load(Ordering::Relaxed));
    for cost in costs(&rows) {
        assert!([&first_costs()[0], &new_costs()[0]].contains(&&cost), "{cost}");
    }
}

#[tokio::test]
async fn an_interval_is_required_and_checked() {
    let provider = provider().await;
    let launch = launch(&provider);
    let url = format!("sqlite:{}", launch.store_path().display());
    for words in [&[][..], &["--since", "1d", "--until", "2d"]] {
        let refused = recompute(&launch, &url, words).await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(refused.stderr.contains("--since"), "{}", refused.stderr);
    }
}
