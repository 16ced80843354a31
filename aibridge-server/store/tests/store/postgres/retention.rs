//! Sweeps of expired interceptions on PostgreSQL.

use super::outages::{Load, compare};
use super::{count, open, options};
use crate::retention::{TABLES, long_ago, many, mixed, old, sweep};
use aibridge_store::{Expired, ScanScope, Sweeper};
use aibridge_testkit::{Postgres, within};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_sweep_deletes_only_expired_interceptions_with_all_their_rows() {
    for scope in [ScanScope::Oldest, ScanScope::All] {
        let Some(server) = Postgres::start().await else { return };
        let store = open(options(&server)).await;
        let mut stay = mixed(&store).await;
        stay.sort();
        let sweep_again = async || {
            let batches = sweep(&mut Sweeper::from(&store), Expired { before: long_ago(), scope }).await;
            batches.expect("swept").iter().sum::<u64>()
        };
        assert_eq!([sweep_again().await, sweep_again().await], [4, 0]);
        for table in TABLES {
            let owner = if table == TABLES[0] { "id" } else { "interception_id" };
            let rows = server.query(&format!("SELECT {owner} AS id FROM {table} ORDER BY 1")).await;
            let ids: Vec<Uuid> =
                rows.iter().map(|row| row["id"].as_str().expect("an id").parse().expect("an id")).collect();
            assert_eq!(ids, stay, "{table}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_full_scan_finds_rows_with_untypical_ids() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    many(&store, 3).await;
    server.execute("UPDATE aibridge_interceptions SET started_at = now() - interval '2 days'").await;
    let mut sweeper = Sweeper::from(&store);
    let before = sweeper.cutoff(Duration::from_secs(24 * 60 * 60)).await.expect("a time");
    server
        .execute(
            "INSERT INTO aibridge_interceptions SELECT gen_random_uuid(), initiator_id, provider, \
        provider_name, model, route, streaming, client, client_session_id, user_agent, credential_kind, \
        credential_hint, correlating_tool_call_id, metadata, started_at, ended_at, outcome, error_type, \
        upstream_status, instance_id FROM aibridge_interceptions",
        )
        .await;
    assert_eq!(sweep(&mut sweeper, Expired { before, scope: ScanScope::All }).await, Ok(vec![6]));
}

#[tokio::test]
async fn the_clock_of_the_database_measures_age() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let (earliest, age) = (Timestamp::now(), Duration::from_millis(100_500));
    let before = Sweeper::from(&store).cutoff(age).await.expect("a time");
    let ago = |time: Timestamp| time - SignedDuration::from_millis(100_500);
    let millisecond = SignedDuration::from_millis(1);
    assert!(ago(earliest) - millisecond < before && before <= ago(Timestamp::now()), "{before}");
    assert_eq!(before.subsec_nanosecond() % 1_000_000, 0, "in whole milliseconds");
}

#[tokio::test]
async fn only_one_gateway_sweeps_at_a_time() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    many(&store, 10).await;
    let other = server.client().await;
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1634296435)").await.expect("the lock");
    let mut sweeper = Sweeper::from(&store);
    assert_eq!(sweep(&mut sweeper, old(long_ago())).await, Ok(vec![]), "the other one does it");
    other.batch_execute("COMMIT").await.expect("released");
    assert_eq!(sweep(&mut sweeper, old(long_ago())).await, Ok(vec![10]));
}

#[tokio::test]
async fn concurrent_sweeps_delete_each_interception_once() {
    let Some(server) = Postgres::start().await else { return };
    let stores = [open(options(&server)).await, open(options(&server)).await];
    many(&stores[0], 1500).await;
    let [mut one, mut other] = stores.each_ref().map(Sweeper::from);
    let sweeps = async { tokio::join!(sweep(&mut one, old(long_ago())), sweep(&mut other, old(long_ago()))) };
    let (some, rest) = within(sweeps, "both").await;
    let deleted: u64 = some.expect("swept").iter().chain(&rest.expect("swept")).sum();
    assert_eq!(deleted, 1500);
    assert_eq!(count(&server, "FROM aibridge_interceptions").await, 0);
}

#[tokio::test]
async fn locked_rows_are_left_for_the_next_sweep() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    many(&store, 10).await;
    let holder = server.client().await;
    let hold = "BEGIN; SELECT FROM aibridge_interceptions ORDER BY id LIMIT 3 FOR UPDATE";
    holder.batch_execute(hold).await.expect("held");
    let mut sweeper = Sweeper::from(&store);
    assert_eq!(sweep(&mut sweeper, old(long_ago())).await, Ok(vec![7]));
    holder.batch_execute("COMMIT").await.expect("released");
    assert_eq!(sweep(&mut sweeper, old(long_ago())).await, Ok(vec![3]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_stored_during_a_sweep() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    many(&store, 2000).await;
    let load = Load::begin(&store, 16);
    load.wait_for_progress().await;
    let batches = sweep(&mut Sweeper::from(&store), old(long_ago())).await.expect("swept");
    assert_eq!(batches.iter().sum::<u64>(), 2000);
    assert!(batches.len() > 3, "{batches:?}");
    let told = load.end().await;
    assert_eq!((told.refused.len(), told.retried_ends), (0, 0));
    compare(&server, &told).await;
    store.close().await;
}

#[tokio::test]
async fn a_sweep_continues_after_an_outage() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    many(&store, 10).await;
    let mut sweeper = Sweeper::from(&store);
    server.stop().await;
    sweep(&mut sweeper, old(long_ago())).await.expect_err("it is away");
    server.restart().await;
    let swept = async {
        loop {
            if let Ok(batches) = sweep(&mut sweeper, old(long_ago())).await {
                return batches;
            }
        }
    };
    assert_eq!(within(swept, "it to be back").await, [10]);
}
