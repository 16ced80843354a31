//! The spool of earlier versions, which the journal takes over.

use super::{count, journaled, open};
use crate::rows::{end, start_records};
use crate::support::TestDir;
use aibridge_recorder::Recorder;
use aibridge_testkit::{MAX_WAIT, Postgres};
use serde_json::{Value, json};
use std::fs;

/// A frame of an old spool: length, CRC-32, payload.
fn frame(payload: &Value) -> Vec<u8> {
    let payload = payload.to_string().into_bytes();
    let len = u32::try_from(payload.len()).expect("short");
    [&len.to_le_bytes()[..], &crc32fast::hash(&payload).to_le_bytes(), &payload].concat()
}

/// The rows of `table` as an old spool has them, from what a SQLite store holds.
fn rows(dir: &TestDir, table: &str, json_columns: &[&str]) -> Vec<Value> {
    let mut rows = dir.rows(table);
    for row in &mut rows {
        for column in json_columns {
            let text = row[*column].as_str().expect("JSON").to_owned();
            row[*column] = serde_json::from_str(&text).expect("JSON");
        }
        for column in ["streaming", "injected"] {
            if let Some(number) = row[column].as_i64() {
                row[column] = (number == 1).into();
            }
        }
    }
    rows
}

#[tokio::test]
async fn records_of_an_old_spool_are_stored_and_its_files_removed() {
    let Some(server) = Postgres::start().await else { return };
    let same = TestDir::new();
    let sqlite = same.open();
    sqlite.record(start_records()).await.expect("stored");
    sqlite.record(end()).await.expect("stored");
    let mut interceptions = rows(&same, "aibridge_interceptions", &["metadata"]);
    let ended = interceptions[0].clone();
    for column in ["ended_at", "outcome", "error_type", "upstream_status"] {
        interceptions[0].as_object_mut().expect("a row").remove(column);
    }
    interceptions[0]["instance_id"] = uuid::Uuid::now_v7().to_string().into();
    let first = json!([interceptions, rows(&same, "aibridge_user_prompts", &[]), [], [], [], []]);
    let end = json!({
        "id": ended["id"], "outcome": ended["outcome"], "error_type": ended["error_type"],
        "upstream_status": ended["upstream_status"], "ended_at": ended["ended_at"],
        "credential_hint": ended["credential_hint"], "provider_response_id": null,
    });
    let second = json!([
        [],
        [],
        rows(&same, "aibridge_token_usages", &["extra_token_types"]),
        rows(&same, "aibridge_tool_usages", &["metadata"]),
        rows(&same, "aibridge_model_thoughts", &["metadata"]),
        [end],
        [{"provider_name": "openai", "object_id": "resp_1", "initiator_id": "ann", "created_at": "2026-01-02T03:04:05.678Z"}],
    ]);
    let dir = tempfile::tempdir().expect("a directory");
    let spool = dir.path().join("journal");
    fs::create_dir(&spool).expect("a directory");
    fs::write(spool.join("00000000000000000001.spool"), frame(&first)).expect("written");
    let torn = [frame(&second), b"\x05\x00".to_vec()].concat();
    fs::write(spool.join("00000000000000000002.spool"), torn).expect("written");

    let store = open(journaled(&server, dir.path())).await;
    assert!(store.wait_until_projected(MAX_WAIT).await);
    for table in
        ["aibridge_interceptions", "aibridge_token_usages", "aibridge_tool_usages", "aibridge_model_thoughts"]
    {
        let (there, here) = (same.rows(table), server.rows(table).await);
        assert_eq!(here.len(), there.len(), "{table}");
        assert!(here.iter().zip(&there).all(|(here, there)| here["id"] == there["id"]), "{table}");
    }
    let row = &server.rows("aibridge_interceptions").await[0];
    assert_eq!((&row["outcome"], &row["error_type"]), (&ended["outcome"], &ended["error_type"]));
    assert_eq!(count(&server, "FROM aibridge_object_owners WHERE initiator_id = 'ann'").await, 1);
    assert!(!spool.join("00000000000000000001.spool").exists());
    assert!(spool.join("00000000000000000002.damaged").exists(), "the torn end is kept");
    store.close().await;
}
