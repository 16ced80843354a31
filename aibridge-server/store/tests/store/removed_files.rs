//! Database files that are removed, moved or replaced while they are open.

use crate::support::{TestDir, start};
use aibridge_recorder::Recorder;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(9);

fn beside(dir: &TestDir, suffix: &str) -> PathBuf {
    let mut path = dir.path().into_os_string();
    path.push(suffix);
    path.into()
}

#[tokio::test]
async fn nothing_is_recorded_in_a_removed_file() {
    for suffix in ["", "-wal", "-shm"] {
        for replaced in [false, true] {
            let dir = TestDir::new();
            let store = dir.open();
            store.record(start().1).await.expect("stored");
            store.probe(LIMIT).await.expect("ready");
            let file = beside(&dir, suffix);
            fs::remove_file(&file).expect("removed");
            if replaced {
                fs::write(&file, "").expect("replaced");
            }
            for _ in 0..2 {
                let error = store.record(start().1).await.expect_err("refused").to_string();
                assert!(error.contains(file.to_str().expect("UTF-8")), "{error}");
                assert!(error.contains("removed, moved or replaced"), "{error}");
                store.probe(LIMIT).await.expect_err("not ready");
            }
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_restored_file_accepts_records_again() {
    let dir = TestDir::new();
    let store = dir.open();
    let (first, records) = start();
    store.record(records).await.expect("stored");
    let away = beside(&dir, "-away");
    fs::rename(dir.path(), &away).expect("moved");
    store.probe(LIMIT).await.expect_err("not ready");
    store.record(start().1).await.expect_err("refused");
    fs::rename(&away, dir.path()).expect("moved back");
    store.probe(LIMIT).await.expect("ready");
    let (last, records) = start();
    store.record(records).await.expect("stored");
    assert_eq!(dir.interceptions(), [first, last].map(|id| id.to_string()), "nothing that was refused");
    store.close().await;
}
