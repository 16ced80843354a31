//! The spool: outages, restarts, crashes, damage, and its size limit.

use super::away::{Load, compare};
use super::{count, open, options, spooled};
use crate::support::{ended, prompt, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::{Durability, PostgresOptions, PostgresStore, SpoolOptions};
use aibridge_testkit::{Postgres, wait_for, within};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spool"))
        .collect();
    files.sort();
    files
}

async fn drained(dir: &Path) {
    wait_for(|| segments(dir).is_empty().then_some(()), "the spool to be drained").await;
}

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

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test]
async fn records_of_an_outage_are_stored_after_it() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(spooled(&server, dir.path())).await;
    let (open_id, records) = start();
    store.record(records).await.expect("stored");
    let mut ids = vec![record(&store).await];
    assert!(segments(dir.path()).is_empty(), "it is not needed");

    server.stop().await;
    for _ in 0..50 {
        ids.push(record(&store).await);
    }
    store.record(vec![Record::End(ended(open_id))]).await.expect("its start is in the database");
    store.probe(Duration::from_secs(1)).await.expect("requests go on");
    for path in segments(dir.path()).iter().chain([&dir.path().join("lock")]) {
        assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    server.restart().await;
    drained(dir.path()).await;
    ids.push(open_id);
    ids.push(record(&store).await);
    drained(dir.path()).await; // it may have gone there too, just before the spool knew that it was empty
    ids.sort();
    assert_eq!(completed(&server).await, ids);
    assert!(segments(dir.path()).is_empty(), "it is not needed any more");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_restart_under_load_refuses_no_record() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(spooled(&server, dir.path())).await;
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
    drained(dir.path()).await;
    compare(&server, &told).await;
    store.close().await;
}

#[tokio::test]
async fn a_hanging_database_diverts_records_to_the_spool() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(spooled(&server, dir.path())).await;
    let holder = server.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE aibridge_interceptions").await.expect("the lock");
    let ids = [record(&store).await, record(&store).await];
    holder.batch_execute("COMMIT").await.expect("released");
    drained(dir.path()).await;
    assert_eq!(completed(&server).await, ids);
    assert_eq!(count(&server, "FROM aibridge_user_prompts").await, 4);
}

/// Records ten interceptions in a process that ends without closing the store, while the database is unavailable.
fn crash_with_a_spool(options: PostgresOptions) -> Vec<Uuid> {
    let dying = std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let ids = runtime.block_on(async {
            let store = open(options).await;
            let mut ids = Vec::new();
            for _ in 0..10 {
                ids.push(record(&store).await);
            }
            std::mem::forget(store.clone());
            ids
        });
        runtime.shutdown_background();
        ids
    });
    dying.join().expect("no panic")
}

/// Releases the lock on the spool: in a real crash the operating system does this.
fn unlock(dir: &Path) {
    fs::remove_file(dir.join("lock")).expect("a lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_process_stores_the_spool_of_a_crashed_one_once() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let options = spooled(&server, dir.path());
    server.stop().await;
    let mut ids = crash_with_a_spool(options.clone()); // which started without a database
    unlock(dir.path());
    ids.extend(crash_with_a_spool(options.clone()));
    unlock(dir.path());
    assert_eq!(segments(dir.path()).len(), 2);
    let copies: Vec<_> = segments(dir.path()).iter().map(|path| fs::read(path).expect("a file")).collect();

    server.restart().await;
    let store = open(options.clone()).await;
    drained(dir.path()).await;
    assert_eq!(completed(&server).await, ids);
    store.close().await;

    // Simulates a crash after the commit, before the file was removed.
    fs::write(dir.path().join("00000000000000000009.spool"), copies.concat()).expect("written");
    let store = open(options).await;
    drained(dir.path()).await;
    assert_eq!(completed(&server).await, ids);
    assert_eq!(count(&server, "FROM aibridge_user_prompts").await, 40);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_write_is_discarded() {
    let Some(server) = Postgres::start().await else { return };
    server.stop().await;
    for tear in [&b"\x05"[..], &[0; 4096], b"\x20\x00\x00\x00\xde\xad\xbe\xefhalf a fra"] {
        let dir = dir();
        let ids = crash_with_a_spool(spooled(&server, dir.path()));
        unlock(dir.path());
        let last = segments(dir.path()).pop().expect("a segment");
        OpenOptions::new().append(true).open(&last).and_then(|mut file| file.write_all(tear)).expect("torn");
        let store = open(spooled(&server, dir.path())).await;
        let more = record(&store).await;
        server.restart().await;
        drained(dir.path()).await;
        let found = completed(&server).await;
        assert!(ids.iter().chain([&more]).all(|id| found.contains(id)), "{tear:?}");
        store.close().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_full_spool_refuses_starts_and_accepts_ends() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let spool = SpoolOptions { dir: dir.path().to_owned(), max_bytes: 20_000, durability: Durability::Power };
    let store = open(PostgresOptions { spool: Some(spool), ..options(&server) }).await;
    server.stop().await;
    let (mut ids, mut refused) = (Vec::new(), None);
    while refused.is_none() {
        let (id, records) = start();
        match store.record(records).await {
            Ok(()) => ids.push(id),
            Err(error) => refused = Some(error.to_string()),
        }
    }
    assert!(refused.as_ref().is_some_and(|error| error.contains("spool is full")), "{refused:?}");
    assert!(ids.len() > 5);
    store.probe(Duration::from_secs(1)).await.expect_err("not ready");
    store.record(vec![Record::End(ended(ids[0]))]).await.expect("there is room for an end");
    let size: u64 = segments(dir.path()).iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
    assert!(size <= 20_000 * 9 / 8, "{size}");

    server.restart().await;
    drained(dir.path()).await;
    ids.push(record(&store).await);
    drained(dir.path()).await;
    assert_eq!(count(&server, "FROM aibridge_interceptions").await as usize, ids.len());
    store.probe(Duration::from_secs(1)).await.expect("ready");
}

#[tokio::test]
async fn a_spool_is_locked_by_one_gateway() {
    let Some(server) = Postgres::start().await else { return };
    let dir = dir();
    let store = open(spooled(&server, dir.path())).await;
    let error = PostgresStore::open(spooled(&server, dir.path())).await.err().expect("refused").to_string();
    assert!(error.contains("another gateway uses it") && error.contains("store.spool"), "{error}");
    store.close().await;
    within(open(spooled(&server, dir.path())), "the next one").await;
}
