//! Readiness probes of a SQLite store.

use crate::support::{TestDir, ended, start};
use aibridge_recorder::{Record, Recorder};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(9);

const TABLES: [&str; 5] = [
    "aibridge_interceptions",
    "aibridge_user_prompts",
    "aibridge_token_usages",
    "aibridge_tool_usages",
    "aibridge_model_thoughts",
];

#[tokio::test]
async fn a_probe_detects_a_table_that_refuses_rows() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    store.probe(LIMIT).await.expect("ready");
    for table in TABLES {
        let refuse =
            format!("CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'no'); END");
        dir.sql().execute_batch(&refuse).expect("a trigger");
        store.probe(LIMIT).await.expect_err(table);
        dir.sql().execute_batch("DROP TRIGGER no").expect("dropped");
        store.probe(LIMIT).await.expect(table);
        assert!(dir.rows(table).is_empty(), "{table}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_probe_detects_a_corrupt_page() {
    for table in TABLES {
        let dir = TestDir::new();
        let store = dir.open_waiting();
        let (id, mut records) = start();
        records.push(Record::End(ended(id)));
        store.record(records).await.expect("stored");
        store.close().await;
        let root = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
        let page: i64 = dir.sql().query_row(&root, [], |row| row.get(0)).expect("a page");
        let mut file = File::options().write(true).open(dir.path()).expect("a file");
        file.seek(SeekFrom::Start((page.unsigned_abs() - 1) * 4096)).expect("a page");
        file.write_all(&[0xff; 4096]).expect("written");
        drop(file);

        let store = dir.open_waiting();
        let error = store.probe(LIMIT).await.expect_err(table).to_string();
        assert!(error.contains("malformed"), "{table}: {error}");
        store.close().await;
    }
}
