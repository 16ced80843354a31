//! The journal while the database is unavailable: outages, hangs, crashes, and its size limit.

use super::outages::{Load, compare};
use super::{count, journaled, open, options};
use crate::support::{ended, prompt, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::{Durability, JournalOptions, PostgresOptions, PostgresStore};
use aibridge_testkit::{MAX_WAIT, Postgres};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Records a complete interception.
async fn record(store: &PostgresStore) -> Uuid {
    let (id, records) = start();
    store.record(records).await.expect("stored");
    store.record(vec![Record::Prompt(prompt(id)), Record::End(ended(id))]).await.expect("stored");
    id
}

async fn completed(server: &Postgres) -> Vec<Uuid> {
    let rows =
        server.query("SELECT id FROM aibridge_interceptions WHERE outcome = 'completed' ORDER BY id").await;
    rows.iter().map(|row| row["id"].as_str().expect("an id").parse().expect("an id")).collect()
}

async fn projected(store: &PostgresStore) {
    assert!(store.wait_until_projected(MAX_WAIT).await, "{:?}", store.journal_stats());
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test]
async fn records_of_an_outage_are_stored_after_it() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(journaled(&server, dir.path())).await;
    let (open_id, records) = start();
    store.record(records).await.expect("stored");
    let mut ids = vec![record(&store).await];
    projected(&store).await;

    server.stop().await;
    for _ in 0..50 {
        ids.push(record(&store).await);
    }
    store.record(vec![Record::End(ended(open_id))]).await.expect("its start is in the database");
    store.probe(Duration::from_secs(1)).await.expect("requests go on");
    assert_eq!(store.journal_stats().lag_records, 101);
    for entry in fs::read_dir(dir.path().join("journal")).expect("a directory") {
        let file = entry.expect("an entry");
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
    server.restart().await;
    ids.push(open_id);
    ids.push(record(&store).await);
    projected(&store).await;
    ids.sort();
    assert_eq!(completed(&server).await, ids);
    assert_eq!(store.journal_stats().journal.bytes, 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_restart_under_load_refuses_no_record() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(journaled(&server, dir.path())).await;
    let load = Load::begin(&store, 16);
    load.wait_for_progress().await;
    server.crash().await;
    load.wait_for_progress().await;
    server.restart().await;
    load.wait_for_progress().await;
    server.stop().await;
    load.wait_for_progress().await;
    server.restart().await;
    let told = load.end().await;
    assert_eq!((told.refused.len(), told.retried_ends), (0, 0));
    projected(&store).await;
    compare(&server, &told).await;
    store.close().await;
}

#[tokio::test]
async fn a_hanging_database_delays_no_call() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(journaled(&server, dir.path())).await;
    let holder = server.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE aibridge_interceptions").await.expect("the lock");
    let ids = [record(&store).await, record(&store).await];
    holder.batch_execute("COMMIT").await.expect("released");
    projected(&store).await;
    assert_eq!(completed(&server).await, ids);
    assert_eq!(count(&server, "FROM aibridge_user_prompts").await, 4);
}

/// Records ten interceptions, and leaves an eleventh open, in a process that ends without closing the store.
fn crash(options: PostgresOptions) -> Vec<Uuid> {
    let dying = std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let ids = runtime.block_on(async {
            let store = open(options).await;
            let mut ids = Vec::new();
            for _ in 0..10 {
                ids.push(record(&store).await);
            }
            store.record(start().1).await.expect("stored");
            std::mem::forget(store.clone());
            ids
        });
        runtime.shutdown_background();
        ids
    });
    dying.join().expect("no panic")
}

/// Copies the journal of a process that crashed, which this process still has locked.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to.join("journal")).expect("a directory");
    for entry in fs::read_dir(from.join("journal")).expect("a directory") {
        let file = entry.expect("an entry");
        fs::copy(file.path(), to.join("journal").join(file.file_name())).expect("copied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_process_stores_what_a_crashed_one_left_once_and_closes_what_was_open() {
    let Some(server) = Postgres::start().await else { return };
    let (first, second) = (dir(), dir());
    let setup = dir();
    open(journaled(&server, setup.path())).await.close().await;
    server.stop().await;
    let ids = crash(journaled(&server, first.path())); // which started without a database
    copy(first.path(), second.path());
    server.restart().await;
    for _ in 0..2 {
        let store = open(journaled(&server, second.path())).await;
        projected(&store).await;
        assert_eq!(completed(&server).await, ids);
        assert_eq!(count(&server, "FROM aibridge_user_prompts").await, 21);
        let closed = "FROM aibridge_interceptions WHERE error_type = 'gateway_crash'";
        assert_eq!(count(&server, closed).await, 1);
        store.close().await;
    }
}

#[tokio::test]
async fn a_full_journal_refuses_starts_and_accepts_ends() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let journal = JournalOptions {
        max_bytes: 20_000,
        durability: Durability::Power,
        ..JournalOptions::new(dir.path().join("journal"))
    };
    let store = open(PostgresOptions { journal, ..options(&server) }).await;
    server.stop().await;
    let (mut ids, mut refused) = (Vec::new(), None);
    while refused.is_none() {
        let (id, records) = start();
        match store.record(records).await {
            Ok(()) => ids.push(id),
            Err(error) => refused = Some(error.to_string()),
        }
    }
    assert!(refused.as_ref().is_some_and(|error| error.contains("journal is full")), "{refused:?}");
    assert!(ids.len() > 5);
    store.probe(Duration::from_secs(1)).await.expect_err("not ready");
    for id in &ids {
        store.record(vec![Record::End(ended(*id))]).await.expect("there is room for an end");
    }
    server.restart().await;
    projected(&store).await;
    store.probe(Duration::from_secs(1)).await.expect("ready");
    ids.push(record(&store).await);
    projected(&store).await;
    assert_eq!(completed(&server).await, ids);
}

#[tokio::test]
async fn an_end_without_a_start_is_kept_apart_and_the_others_are_stored() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(journaled(&server, dir.path())).await;
    let (lost, records) = start();
    store.record(records).await.expect("stored");
    projected(&store).await;
    server.execute("DELETE FROM aibridge_interceptions").await;
    server.stop().await;
    let mut ids = Vec::new();
    for number in 0..9 {
        if number == 4 {
            store.record(vec![Record::End(ended(lost))]).await.expect("in the journal");
        }
        ids.push(record(&store).await);
    }
    server.restart().await;
    projected(&store).await;
    assert_eq!(completed(&server).await, ids);
    let rejected = server.rows("aibridge_rejected_records").await;
    assert_eq!((rejected.len(), &rejected[0]["interception_id"]), (1, &lost.to_string().into()));
    let reason = rejected[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("no start record"), "{reason}");
    ids.push(record(&store).await);
    projected(&store).await;
    assert_eq!(completed(&server).await, ids, "the connection is in order");
    store.close().await;
}

#[tokio::test]
async fn the_reason_of_a_rejection_does_not_show_the_row() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(journaled(&server, dir.path())).await;
    server.execute("ALTER TABLE aibridge_user_prompts ADD CHECK (prompt = 'allowed')").await;
    record(&store).await;
    projected(&store).await;
    let rejected = server.rows("aibridge_rejected_records").await;
    assert!(!rejected.is_empty(), "the prompt is rejected");
    for row in &rejected {
        let reason = row["reason"].as_str().expect("a reason");
        assert!(reason.contains("check constraint") && !reason.contains("Failing row"), "{reason}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_second_gateway_with_the_same_settings_uses_a_journal_beside_the_first() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let [one, other] =
        [open(journaled(&server, dir.path())).await, open(journaled(&server, dir.path())).await];
    let ids = [record(&one).await, record(&other).await];
    projected(&one).await;
    projected(&other).await;
    assert_eq!(completed(&server).await, ids);
    assert_eq!(server.rows("aibridge_instances").await.len(), 2);
    assert!(dir.path().join("journal-2").exists());
    one.close().await;
    other.close().await;
}
