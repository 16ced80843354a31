//! Concurrent calls, and the transactions that they share.

use crate::support::{TestDir, ended, prompt, start};
use aibridge_recorder::{Record, Recorder, RecorderError};
use aibridge_store::SqliteStore;
use aibridge_testkit::MAX_WAIT;
use rusqlite::Connection;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::task::JoinSet;
use uuid::Uuid;

type PendingCall = Pin<Box<dyn Future<Output = Result<(), RecorderError>> + Send>>;

/// Queues records; the result is the waiting call.
fn queue(store: &SqliteStore, records: Vec<Record>) -> PendingCall {
    let store = store.clone();
    let mut answer: PendingCall = Box::pin(async move { store.record(records).await });
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    answer
}

/// Holds the write lock, so that queued records are not written yet.
fn hold(dir: &TestDir) -> Connection {
    let connection = dir.sql();
    connection.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    connection
}

fn release(holder: Connection) {
    holder.execute_batch("COMMIT").expect("released");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_concurrent_callers_lose_nothing() {
    const CALLERS: usize = 16;
    const EACH: usize = 50;
    let dir = TestDir::new();
    let store = dir.open();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for _ in 0..EACH {
                let (id, records) = start();
                store.record(records).await.expect("stored");
                store.record(vec![Record::End(ended(id))]).await.expect("stored");
            }
        });
    }
    callers.join_all().await;
    let rows = dir.rows("aibridge_interceptions");
    assert_eq!(rows.len(), CALLERS * EACH);
    assert!(rows.iter().all(|row| row["outcome"] == "completed"));
    assert_eq!(dir.rows("aibridge_user_prompts").len(), CALLERS * EACH);
}

#[tokio::test]
async fn records_of_an_unknown_interception_are_refused() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    store.record(records).await.expect("stored");
    for records in [vec![Record::Prompt(prompt(Uuid::now_v7()))], vec![Record::End(ended(Uuid::now_v7()))]] {
        let message = store.record(records).await.expect_err("refused").to_string();
        assert!(message.contains("no start record"), "{message}");
    }
    assert_eq!(dir.interceptions(), [id.to_string()]);
    assert!(dir.rows("aibridge_rejected_records").is_empty());
}

#[tokio::test]
async fn a_repeated_call_is_stored_once() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    for _ in 0..2 {
        store.record(records.clone()).await.expect("stored");
    }
    store.record(vec![Record::Prompt(prompt(id)), Record::End(ended(id))]).await.expect("stored");
    assert_eq!(dir.interceptions(), [id.to_string()]);
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 2);
}

#[tokio::test]
async fn an_abandoned_start_is_deleted() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let holder = hold(&dir);
    let (stays, leaves, comes) = (start(), start(), start());
    let waiting = queue(&store, stays.1);
    drop(queue(&store, leaves.1));
    release(holder);
    waiting.await.expect("stored");
    store.record(comes.1).await.expect("stored after it");
    assert_eq!(dir.interceptions(), [stays.0.to_string(), comes.0.to_string()]);
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 2);
}

#[tokio::test]
async fn queued_calls_share_commits() {
    let (alone, together) = (pages_written(1).await, pages_written(64).await);
    // A commit writes each changed page: separate commits would write sixty-four times as many.
    assert!(alone > 1 && together < alone * 16, "1 caller: {alone} pages, 64 callers: {together} pages");
}

/// Number of pages in the write-ahead log after `callers` concurrent calls.
async fn pages_written(callers: usize) -> i64 {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let counter = dir.sql();
    counter.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("an empty log");
    let holder = hold(&dir);
    let waiting: Vec<_> = (0..callers).map(|_| queue(&store, start().1)).collect();
    release(holder);
    for answer in waiting {
        answer.await.expect("stored");
    }
    assert_eq!(dir.interceptions().len(), callers);
    counter.query_row("PRAGMA wal_checkpoint", [], |row| row.get(1)).expect("a number of pages")
}

#[tokio::test]
async fn close_stores_queued_records() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let holder = hold(&dir);
    let callers: Vec<_> = (0..10).map(|_| queue(&store, start().1)).collect();
    let mut closing = Box::pin(store.clone().close());
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    release(holder);
    closing.await;
    for answer in callers {
        answer.await.expect("stored");
    }
    assert_eq!(dir.interceptions().len(), 10);

    let error = store.record(start().1).await.expect_err("closed");
    assert!(error.to_string().contains("closed"), "{error}");
    store.close().await; // a second call has no effect
}

#[tokio::test]
async fn the_log_does_not_grow_with_the_load() {
    const CALLS: usize = 600;
    const PROMPT: usize = 40_000;
    let dir = TestDir::new();
    let store = dir.open();
    for _ in 0..CALLS {
        let (id, mut records) = start();
        for _ in 0..4 {
            let mut prompt = prompt(id);
            prompt.prompt = "x".repeat(PROMPT);
            records.push(Record::Prompt(prompt));
        }
        store.record(records).await.expect("stored");
    }
    assert!(store.wait_until_projected(MAX_WAIT).await, "the database has all records");
    let size = |suffix: &str| {
        let mut path = dir.path().into_os_string();
        path.push(suffix);
        std::fs::metadata(path).expect("a file").len()
    };
    let written = (CALLS * 4 * PROMPT) as u64;
    assert!(size("") + size("-wal") > written, "{} and {} bytes", size(""), size("-wal"));
    assert!(size("-wal") < 80 << 20, "{} bytes", size("-wal"));
}
