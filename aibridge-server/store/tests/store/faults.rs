//! Locked databases and missing tables.

use crate::support::{TestDir, ended, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::StoreError;
use quanta::Clock;
use std::time::Duration;

#[tokio::test]
async fn a_lock_of_another_process_refuses_in_time_and_only_while_held() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    store.record(records).await.expect("stored");

    let holder = dir.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let clock = Clock::new();
    let began = clock.now();
    let (refused, records) = start();
    let error = store.record(records.clone()).await.expect_err("refused");
    let took = clock.now().duration_since(began);
    assert!(error.to_string().contains("locked"), "{error}");
    assert!(took < Duration::from_secs(2), "the gateway has given up by then: {took:?}");
    assert!(took > Duration::from_millis(1000), "a short wait is worth it: {took:?}");

    holder.execute_batch("COMMIT").expect("released");
    assert_eq!(dir.interceptions(), [id.to_string()]);
    store.record(records).await.expect("stored now");
    store.record(vec![Record::End(ended(id))]).await.expect("stored now");
    assert_eq!(dir.interceptions(), [id.to_string(), refused.to_string()]);
}

#[tokio::test]
async fn a_probe_detects_a_lock_and_leaves_no_row() {
    let dir = TestDir::new();
    let store = dir.open();
    let limit = Duration::from_millis(100);
    store.probe(limit).await.expect("accepted");

    let holder = dir.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert_eq!(store.probe(limit).await, Err(StoreError::Timeout(limit)));
    let error = store.probe(Duration::from_secs(9)).await.expect_err("refused");
    assert!(error.to_string().contains("locked"), "{error}");

    holder.execute_batch("COMMIT").expect("released");
    store.probe(Duration::from_secs(9)).await.expect("accepted");
    assert_eq!(dir.interceptions(), [""; 0]);
    store.clone().close().await;
    assert_eq!(store.probe(limit).await, Err(StoreError::Closed));
    dir.open().close().await; // still an aibridge database
}

#[tokio::test]
async fn missing_tables_refuse_records_until_they_are_restored() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    let sql = dir.sql();
    sql.execute_batch("ALTER TABLE aibridge_user_prompts RENAME TO elsewhere").expect("renamed");
    let error = store.record(records.clone()).await.expect_err("refused");
    assert!(error.to_string().contains("aibridge_user_prompts"), "{error}");
    assert_eq!(dir.interceptions(), [""; 0], "all or nothing");

    sql.execute_batch("ALTER TABLE elsewhere RENAME TO aibridge_user_prompts").expect("renamed");
    store.record(records).await.expect("stored");
    assert_eq!(dir.interceptions(), [id.to_string()]);
}

#[test]
fn errors_are_classified_by_cause_and_retry() {
    let table = [
        (StoreError::Database("disk full".to_owned()), "database", false, true),
        (StoreError::Conflict("id".to_owned()), "contradiction", true, false),
        (StoreError::Timeout(Duration::from_secs(1)), "too_slow", false, true),
        (StoreError::Closed, "closed", false, false),
    ];
    for (error, kind, is_caller_error, is_transient) in table {
        assert_eq!(
            (error.kind(), error.is_caller_error(), error.is_transient()),
            (kind, is_caller_error, is_transient),
            "{error}"
        );
    }
}
