//! Locked databases and missing tables.

use crate::support::{TestDir, ended, start};
use aibridge_recorder::{Record, Recorder, RecorderError};
use aibridge_store::StoreError;
use std::time::Duration;

#[tokio::test]
async fn a_lock_of_another_process_refuses_in_time_if_calls_wait_for_the_database() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let (id, records) = start();
    store.record(records).await.expect("stored");

    let holder = dir.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let (refused, records) = start();
    let error = store.record(records).await.expect_err("refused");
    let timed_out = RecorderError::unavailable(StoreError::Timeout(dir.options().journal.timeout));
    assert_eq!(error.to_string(), timed_out.to_string(), "a short wait is worth it, and it has a limit");

    holder.execute_batch("COMMIT").expect("released");
    store.record(vec![Record::End(ended(id))]).await.expect("stored now");
    assert_eq!(dir.interceptions(), [id.to_string()], "the refused start leaves nothing");
    store.record(vec![Record::End(ended(refused))]).await.expect_err("it did not start");
}

#[tokio::test]
async fn a_lock_of_another_process_delays_nothing_but_the_database() {
    let dir = TestDir::new();
    let store = dir.open();
    let holder = dir.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (id, records) = start();
        store.record(records).await.expect("in the journal");
        store.record(vec![Record::End(ended(id))]).await.expect("in the journal");
        ids.push(id.to_string());
    }
    store.probe(Duration::from_secs(1)).await.expect("it accepts records");
    assert!(!store.wait_until_projected(Duration::ZERO).await);
    assert_eq!(store.journal_stats().lag_records, 40);
    holder.execute_batch("COMMIT").expect("released");
    assert!(store.wait_until_projected(Duration::from_secs(9)).await);
    assert_eq!(dir.interceptions(), ids);
    assert_eq!(store.journal_stats().lag_records, 0);
}

#[tokio::test]
async fn a_probe_detects_a_lock_and_leaves_no_row() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
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
async fn missing_tables_delay_records_until_they_are_restored() {
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    let sql = dir.sql();
    sql.execute_batch("ALTER TABLE aibridge_user_prompts RENAME TO elsewhere").expect("renamed");
    store.record(records).await.expect("in the journal");
    assert!(!store.wait_until_projected(Duration::from_millis(100)).await);
    let rows: i64 =
        sql.query_row("SELECT count(*) FROM aibridge_interceptions", [], |row| row.get(0)).expect("a number");
    assert_eq!(rows, 0, "all or nothing");

    sql.execute_batch("ALTER TABLE elsewhere RENAME TO aibridge_user_prompts").expect("renamed");
    assert!(store.wait_until_projected(Duration::from_secs(9)).await);
    assert_eq!(dir.interceptions(), [id.to_string()]);
}

#[tokio::test]
async fn a_record_that_the_database_refuses_is_kept_apart_and_the_others_are_stored() {
    let dir = TestDir::new();
    let store = dir.open();
    let no = "CREATE TRIGGER no BEFORE INSERT ON aibridge_user_prompts WHEN NEW.prompt = 'bad' \
        BEGIN SELECT RAISE(ABORT, 'no such prompt'); END";
    dir.sql().execute_batch(no).expect("a trigger");
    let mut ids = Vec::new();
    for number in 0..20 {
        let (id, mut records) = start();
        if number == 7
            && let Record::Prompt(prompt) = &mut records[1]
        {
            prompt.prompt = "bad".to_owned();
        }
        store.record(records).await.expect("in the journal");
        store.record(vec![Record::End(ended(id))]).await.expect("in the journal");
        ids.push(id.to_string());
    }
    assert!(store.wait_until_projected(Duration::from_secs(9)).await);
    assert_eq!(dir.interceptions(), ids);
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 19);
    let rejected = dir.rows("aibridge_rejected_records");
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0]["interception_id"], ids[7]);
    assert!(
        rejected[0]["reason"].as_str().is_some_and(|reason| reason.contains("no such prompt")),
        "{rejected:?}"
    );
    assert!(rejected[0]["record"].as_str().is_some_and(|record| record.contains("bad")), "{rejected:?}");
    assert!(dir.rows("aibridge_interceptions").iter().all(|row| row["outcome"] == "completed"));
    assert_eq!(store.journal_stats().rejected, 1);
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
