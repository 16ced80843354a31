//! Interceptions that a crashed gateway left open in a SQLite store.

use crate::support::{TestDir, ended, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::Tokens;
use jiff::Timestamp;
use serde_json::Value;

#[tokio::test]
async fn the_next_start_closes_interceptions_of_a_crashed_gateway() {
    let dir = TestDir::new();
    let store = dir.open();
    assert_eq!(store.orphans_closed(), 0);
    let [(done, first), (_, second), (_, third)] = [start(), start(), start()];
    for records in [first, second, third] {
        store.record(records).await.expect("stored");
    }
    store.record(vec![Record::End(ended(done))]).await.expect("stored");
    let before = dir.rows("aibridge_interceptions");
    store.close().await; // like a gateway that crashed before the others ended

    let reopened_at = format!("{:.3}", Timestamp::now());
    let store = dir.open();
    assert_eq!(store.orphans_closed(), 2);
    let after = dir.rows("aibridge_interceptions");
    assert_eq!(after[0], before[0], "it had ended");
    for (mut row, open) in after.into_iter().zip(before).skip(1) {
        assert_eq!(row["outcome"], "failed");
        assert_eq!(row["error_type"], "gateway_crash");
        assert!(
            row["ended_at"].as_str().is_some_and(|time| time >= reopened_at.as_str() && time.len() == 24)
        );
        for column in ["outcome", "error_type", "ended_at"] {
            row[column] = Value::Null;
        }
        assert_eq!(row, open, "nothing else changed");
    }
    store.close().await;
    assert_eq!(dir.open().orphans_closed(), 0);
}

#[tokio::test]
async fn interceptions_of_a_running_gateway_stay_open() {
    let dir = TestDir::new();
    let first = dir.open();
    let (id, records) = start();
    first.record(records).await.expect("stored");

    let second = dir.open();
    assert_eq!(second.orphans_closed(), 0);
    second.record(start().1).await.expect("both may write");
    drop(Tokens::open(&dir.options()).expect("nor does a command"));
    assert!(dir.rows("aibridge_interceptions").iter().all(|row| row["ended_at"].is_null()));

    second.close().await; // and leaves one open
    first.record(vec![Record::End(ended(id))]).await.expect("stored");
    let third = dir.open();
    assert_eq!(third.orphans_closed(), 0, "the first still lives");
    third.close().await;
    first.close().await;
    assert_eq!(dir.open().orphans_closed(), 1);
}

#[tokio::test]
async fn another_name_for_the_file_is_the_same_store() {
    let dir = TestDir::new();
    let store = dir.open();
    store.record(start().1).await.expect("stored");
    let mut options = dir.options();
    options.path = dir.path().with_file_name("link.db");
    std::os::unix::fs::symlink(dir.path(), &options.path).expect("a link");
    let other = aibridge_store::SqliteStore::open(options).expect("a store");
    assert_eq!(other.orphans_closed(), 0);
}
