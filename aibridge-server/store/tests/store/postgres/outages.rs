//! Outages of a database for which calls wait, and the load that other tests use.

use super::{count, open, options};
use crate::support::{ended, prompt, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::PostgresStore;
use aibridge_testkit::{Postgres, wait_until};
use quanta::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Concurrent callers that record one interception after the other, as the gateway does, until [`Load::end`].
pub(super) struct Load {
    callers: JoinSet<CallResults>,
    /// The number of interceptions that may still be recorded: more are granted with each wait. Calls that wait only for
    /// the journal would record more than any database takes.
    granted: Arc<Semaphore>,
    stored: Arc<AtomicUsize>,
}

/// Interceptions that each wait grants: more than it waits for, so that some are recorded during what comes next.
const GRANTED: usize = 1000;

/// The results of all calls.
#[derive(Default)]
pub(super) struct CallResults {
    /// Interceptions whose start and end were stored.
    pub(super) stored: Vec<Uuid>,
    /// Interceptions whose start was refused, or timed out.
    pub(super) refused: Vec<Uuid>,
    /// Number of attempts to record an end that failed.
    pub(super) retried_ends: usize,
}

impl Load {
    pub(super) fn begin(store: &PostgresStore, callers: usize) -> Self {
        let (granted, stored) = (Arc::new(Semaphore::new(0)), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            tasks.spawn(call(store.clone(), granted.clone(), stored.clone()));
        }
        Self { callers: tasks, granted, stored }
    }

    /// Waits until more interceptions are stored.
    pub(super) async fn wait_for_progress(&self) {
        let so_far = self.stored.load(Relaxed);
        self.granted.add_permits(GRANTED);
        wait_until(|| self.stored.load(Relaxed) > so_far + 100, "more to be stored").await;
    }

    pub(super) async fn end(self) -> CallResults {
        self.granted.close();
        let mut all = CallResults::default();
        for results in self.callers.join_all().await {
            all.stored.extend(results.stored);
            all.refused.extend(results.refused);
            all.retried_ends += results.retried_ends;
        }
        all
    }
}

async fn call(store: PostgresStore, granted: Arc<Semaphore>, stored: Arc<AtomicUsize>) -> CallResults {
    let mut results = CallResults::default();
    while let Ok(permit) = granted.acquire().await {
        permit.forget();
        let (id, records) = start();
        if store.record(records).await.is_err() {
            results.refused.push(id);
            continue;
        }
        let end = vec![Record::Prompt(prompt(id)), Record::End(ended(id))];
        while store.record(end.clone()).await.is_err() {
            results.retried_ends += 1;
        }
        results.stored.push(id);
        stored.fetch_add(1, Relaxed);
    }
    results
}

/// Checks that every confirmed interception is stored exactly once, and every refused one completely or not at all.
pub(super) async fn compare(server: &Postgres, results: &CallResults) {
    let rows = server.query("SELECT id, outcome FROM aibridge_interceptions").await;
    let mut completed: Vec<_> = rows.iter().filter(|row| row["outcome"] == "completed").collect();
    completed.sort_by_key(|row| row["id"].to_string());
    let mut stored: Vec<_> = results.stored.iter().map(ToString::to_string).collect();
    stored.sort();
    assert_eq!(completed.iter().map(|row| row["id"].as_str().expect("an id")).collect::<Vec<_>>(), stored);
    let extra = rows.len() - stored.len();
    assert!(extra <= results.refused.len(), "{extra} extra, {} refused", results.refused.len());
    let prompts = count(server, "FROM aibridge_user_prompts").await;
    assert_eq!(prompts as usize, 2 * stored.len() + extra);
    let distinct = count(server, "FROM (SELECT DISTINCT id FROM aibridge_user_prompts) p").await;
    assert_eq!(distinct, prompts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_restart_under_load_neither_loses_nor_duplicates_records() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let load = Load::begin(&store, 16);
    load.wait_for_progress().await;
    server.stop().await;
    server.restart().await;
    load.wait_for_progress().await;
    server.crash().await;
    server.restart().await;
    load.wait_for_progress().await;
    let results = load.end().await;
    assert!(results.stored.len() > 300, "{}", results.stored.len());
    compare(&server, &results).await;
    store.close().await;
}

#[tokio::test]
async fn an_unavailable_database_refuses_records_in_time() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    store.probe(Duration::from_secs(1)).await.expect("it is there");
    server.stop().await;
    let clock = Clock::new();
    for _ in 0..3 {
        let began = clock.now();
        store.record(start().1).await.expect_err("refused");
        let took = clock.now().duration_since(began);
        assert!(took < Duration::from_millis(2500), "the gateway has given up by then: {took:?}");
    }
    store.probe(Duration::from_secs(1)).await.expect_err("it is away");
    server.restart().await;
    let (id, records) = start();
    while store.record(records.clone()).await.is_err() {}
    store.record(vec![Record::End(ended(id))]).await.expect("stored");
    assert_eq!(count(&server, "FROM aibridge_interceptions WHERE outcome = 'completed'").await, 1);
}

#[tokio::test]
async fn a_hanging_database_refuses_records_and_recovers() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let (id, records) = start();
    store.record(records).await.expect("stored");
    let holder = server.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE aibridge_interceptions").await.expect("the lock");
    store.record(start().1).await.expect_err("refused");
    holder.batch_execute("COMMIT").await.expect("released");
    let end = vec![Record::End(ended(id))];
    while store.record(end.clone()).await.is_err() {}
    assert_eq!(count(&server, "FROM aibridge_interceptions WHERE outcome = 'completed'").await, 1);
}

#[tokio::test]
async fn concurrent_calls_share_commits() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let commits = "SELECT pg_stat_force_next_flush() IS NULL AS x, \
                   (SELECT count(*) FROM (SELECT DISTINCT xmin::text FROM aibridge_interceptions) t) AS n";
    let holder = server.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE aibridge_interceptions").await.expect("the lock");
    let callers: JoinSet<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            async move { store.record(start().1).await }
        })
        .collect();
    tokio::task::yield_now().await; // all are in the queue
    holder.batch_execute("COMMIT").await.expect("released");
    for answer in callers.join_all().await {
        answer.expect("stored");
    }
    let transactions = server.query(commits).await[0]["n"].as_i64().expect("a number");
    assert!(transactions <= 8, "{transactions} transactions for 64 callers");
}
