//! Memory use of queries over long texts. The peak is that of the whole process, so this is the only test of its
//! program. Systems that do not report the peak skip it.

#![allow(clippy::expect_used, reason = "a test program, with helpers outside of the test function")]

#[cfg(test)]
#[path = "store/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use aibridge_store::{
    Filter, Order, PostgresOptions, Records, StoreError, StoreOptions, Tls, Usage, UsageKey,
};
use aibridge_testkit::Postgres;
use jiff::tz::TimeZone;
use std::fs;
use std::time::Duration;
use support::TestDir;
use tokio::task::spawn_blocking;

/// Together, the prompts of these interceptions are 160 MiB, and their models 128 MiB.
const INTERCEPTIONS: u32 = 32;
const PROMPT: u32 = 5 << 20;
const MODEL: u32 = 4 << 20;

/// Limit of the peak in KiB: some blocks of full interceptions, and a driver that holds a row more than once.
const LIMIT_KIB: u64 = 100 << 10;

/// Words in capitals that are not SQL are placeholders: `X` is a hexadecimal number, `LONG_…` a long text.
const FILL: &str = "INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, \
    streaming, client, credential_kind, credential_hint, metadata, started_at, ended_at, outcome INSTANCE_COLUMN) \
    SELECT '016f5e66-e800-7000-8000-0000000000' || X, 'ann', 'openai', 'openai', X || LONG_MODEL, '/responses', TRUE, \
    'Codex', 'centralized', '', '{}', '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z', 'completed' INSTANCE \
    FROM NUMBERS; \
    INSERT INTO aibridge_user_prompts (id, interception_id, prompt, created_at) \
    SELECT id, id, LONG_PROMPT, started_at FROM aibridge_interceptions";

fn fill(instance: &str, hex: &str, long: impl Fn(u32) -> String, numbers: &str) -> String {
    FILL.replace("INSTANCE_COLUMN", if instance.is_empty() { "" } else { ", instance_id" })
        .replace("INSTANCE", instance)
        .replace("LONG_MODEL", &long(MODEL))
        .replace("LONG_PROMPT", &long(PROMPT))
        .replace("NUMBERS", numbers)
        .replace("X", hex)
}

fn status_kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// The maximum by which the memory of this process grows during `work`, in KiB.
fn peak_kib(work: impl FnOnce()) -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("the peak is reset");
    let before = status_kib("VmRSS:");
    work();
    status_kib("VmHWM:").saturating_sub(before)
}

fn read_all(options: StoreOptions) {
    let records = Records::open(options).expect("opened");
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut ids, mut bytes) = (Vec::new(), 0);
        let each = |row: aibridge_store::FullInterception| {
            ids.push(row.interception.id);
            bytes += row.user_prompts[0].prompt.len() + row.interception.model.len();
            Ok::<_, StoreError>(true)
        };
        let peak = peak_kib(|| records.full(&Filter::default(), order, each).expect("read"));
        assert_eq!(bytes, INTERCEPTIONS as usize * (PROMPT + MODEL + 2) as usize, "all is read, and whole");
        ids.dedup();
        assert_eq!(ids.len(), INTERCEPTIONS as usize);
        assert!(ids.is_sorted() == (order == Order::OldestFirst));
        assert!(peak < LIMIT_KIB, "whole interceptions take {peak} KiB");
    }
    let mut usage = Usage::by(&[UsageKey::Model], TimeZone::UTC);
    let each = |row: aibridge_store::Summary| {
        assert!(row.interception.model.ends_with('…'), "a list cuts what is long");
        usage.add(&row);
        Ok::<_, StoreError>(true)
    };
    let peak = peak_kib(|| records.summaries(&Filter::default(), Order::OldestFirst, each).expect("read"));
    assert!(peak < LIMIT_KIB, "lists take {peak} KiB");
    assert_eq!(usage.len(), INTERCEPTIONS as usize);
    assert!(usage.bytes() < 1 << 20, "{} bytes", usage.bytes());
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), allow(unreachable_code, reason = "only Linux reports the peak"))]
async fn query_memory_is_bounded() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let dir = TestDir::new();
    dir.open().close().await;
    let numbers = format!(
        "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n)",
        INTERCEPTIONS - 1
    );
    let sql = fill("", "printf('%02x', i)", |bytes| format!("printf('%.*c', {bytes}, 'x')"), &numbers);
    dir.sql().execute_batch(&sql).expect("filled");
    let options = StoreOptions::from(&dir.options());
    spawn_blocking(|| read_all(options)).await.expect("no panic");

    let Some(server) = Postgres::start().await else { return };
    let options = PostgresOptions {
        url: server.url().into(),
        display_url: "postgres://test".to_owned(),
        tls: Tls::Disable,
        timeout: Duration::from_secs(10),
        journal: aibridge_store::JournalOptions::new(server.dir().join("journal")),
        heartbeat: aibridge_store::Heartbeat::default(),
    };
    aibridge_store::PostgresStore::open(options.clone()).await.expect("a store").close().await;
    let numbers = format!("generate_series(0, {}) i", INTERCEPTIONS - 1);
    let hex = "lpad(to_hex(i), 2, '0')";
    let sql = fill(", gen_random_uuid()", hex, |bytes| format!("repeat('x', {bytes})"), &numbers)
        .replace("SELECT '016f", "SELECT ('016f")
        .replace(&format!("{hex}, 'ann'"), &format!("{hex})::uuid, 'ann'"))
        .replace(
            "'{}', '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z'",
            "'{}', timestamptz '2020-01-01Z', timestamptz '2020-01-01Z'",
        );
    server.execute(&sql).await;
    spawn_blocking(|| read_all(options.into())).await.expect("no panic");
}
