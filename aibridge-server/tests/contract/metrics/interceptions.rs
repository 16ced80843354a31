//! Interception counters: every outcome is counted once.

use super::Scraped;
use crate::dialects::{CHAT, Dialect, KEY, REQUESTS};
use crate::harness::{Harness, WAITS_FOR_DATABASE, provider_settings};
use crate::store_failures::lock;
use aibridge_testkit::{RawClient, Script, ScriptedProvider, Step, request, wait_for, within};

fn total(status: &str, model: &str) -> String {
    format!(
        r#"aibridge_interceptions_total{{client="Unknown",method="POST",model="{model}",provider="openai",route="/chat/completions",status="{status}"}}"#
    )
}

/// Scrapes until `series` has `value`: an interception may end after its response.
async fn scrape_until(gateway: &Harness, series: &str, value: f64) -> Scraped {
    loop {
        let scraped = Scraped::of(gateway).await;
        if scraped.value(series) == value {
            return scraped;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn blocking_and_streamed_responses_are_counted_with_usage() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        client.read_to_end().await;
    }
    let scraped = Scraped::of(&gateway).await;
    let responses = r#"{provider="openai",route="/responses"}"#;
    let count = |metric: &str| format!("{metric}_count{responses}");
    scraped.check(&[
        (&total("completed", "m"), 2.0),
        (&total("completed", "m").replace("/chat/completions", "/responses"), 2.0),
        (r#"aibridge_prompts_total{provider="openai"}"#, 4.0),
        (r#"aibridge_tokens_total{type="input"}"#, 36.0),
        (r#"aibridge_tokens_total{type="output"}"#, 8.0),
        (r#"aibridge_non_injected_tool_selections_total{name="look"}"#, 4.0),
        (&count("aibridge_interceptions_duration_seconds"), 2.0),
        (&count("aibridge_time_to_first_byte_seconds"), 2.0),
        (&count("aibridge_overhead_seconds"), 2.0),
        (r#"aibridge_key_pool_failover_attempts_sum{provider="openai"}"#, 4.0),
        ("aibridge_store_queue_length", 0.0),
    ]);
    assert!(scraped.value("aibridge_store_commit_seconds_count") >= 1.0, "requests share transactions");
    scraped.check(&[
        ("aibridge_journal_frames_total", 8.0),
        ("aibridge_journal_append_seconds_count", 8.0),
        ("aibridge_journal_lag_records", 0.0),
        ("aibridge_journal_lag_seconds", 0.0),
        ("aibridge_journal_bytes", 0.0),
        ("aibridge_rejected_records_total", 0.0),
    ]);
    assert!(
        scraped
            .0
            .keys()
            .any(|name| name.starts_with("aibridge_overhead_seconds_bucket")
                && name.contains("le=\"0.00005\""))
    );
    let inflight = scraped.series("aibridge_interceptions_inflight");
    assert!(
        !inflight.is_empty() && inflight.iter().all(|series| scraped.value(series) == 0.0),
        "{inflight:?}"
    );
}

#[tokio::test]
async fn a_disconnect_counts_as_cancelled_and_not_in_flight() {
    let mut provider =
        ScriptedProvider::start(|_| Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = CHAT.send(gateway.address, true).await;
    provider.next_received().await;
    client.head().await;
    client.read_until(CHAT.events[0]).await;
    let open = r#"aibridge_interceptions_inflight{model="m",provider="openai",route="/chat/completions"}"#;
    Scraped::of(&gateway).await.check(&[(open, 1.0)]);
    drop(client);
    let cancelled = total("cancelled", "m");
    within(scrape_until(&gateway, &cancelled, 1.0), "a cancelled one").await;
    within(scrape_until(&gateway, open, 0.0), "none in flight").await;
}

#[tokio::test]
async fn a_refused_start_is_a_failure_and_not_in_flight() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = Harness::start(&format!("{WAITS_FOR_DATABASE}{settings}")).await;
    let write_lock = lock(&gateway.store);
    let mut client = CHAT.send(gateway.address, false).await;
    assert_eq!(client.head().await.status, 503);
    client.read_to_end().await;
    let scraped = Scraped::of(&gateway).await;
    scraped.check(&[(&total("failed", "m"), 1.0), (r#"aibridge_prompts_total{provider="openai"}"#, 0.0)]);
    drop(write_lock);
    let open = r#"aibridge_interceptions_inflight{model="m",provider="openai",route="/chat/completions"}"#;
    within(scrape_until(&gateway, open, 0.0), "none in flight").await;
}

#[tokio::test]
async fn passthrough_requests_are_counted_by_route_pattern() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for (method, path) in [
        ("GET", "/models"),
        ("GET", "/models/a"),
        ("GET", "/models/b"),
        ("DELETE", "/conversations/c"),
        ("PURGE", "/responses/r"),
        ("GARBLE", "/responses/r"),
    ] {
        let target = format!("/openai/v1{path}");
        RawClient::connect(gateway.address).await.call(&request(method, &target, &[], b"")).await;
    }
    let series = |route: &str, method: &str| {
        format!(r#"aibridge_passthrough_total{{method="{method}",provider="openai",route="{route}"}}"#)
    };
    let scraped = Scraped::of(&gateway).await;
    scraped.check(&[
        (&series("/models", "GET"), 1.0),
        (&series("/models/", "GET"), 2.0),
        (&series("/conversations/", "DELETE"), 1.0),
        (&series("/responses/", "other"), 2.0),
    ]);
    assert_eq!(scraped.series("aibridge_passthrough_total").len(), 4);
    assert_eq!(scraped.series("aibridge_interceptions_total"), [""; 0]);
}

#[tokio::test]
async fn metrics_can_be_disabled() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let settings = format!("[metrics]\nenabled = false\n{}", provider_settings(&provider.base_url(), &[KEY]));
    let gateway = Harness::start(&settings).await;
    let response = RawClient::get(gateway.address, "/metrics").await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (404, Some("unknown_route")));
    let mut client = CHAT.send(gateway.address, true).await;
    assert_eq!(client.head().await.status, 200);
    let row =
        || gateway.store.rows("aibridge_interceptions").into_iter().find(|row| row["ended_at"].is_string());
    client.read_to_end().await;
    wait_for(row, "it is recorded all the same").await;
}
