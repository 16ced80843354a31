//! Equality of the rows on both databases, cell by cell.

use super::{journaled, open, options};
use crate::rows::{dirty_records, end, start_records};
use crate::support::{TestDir, ended, interception, prompt, start};
use aibridge_recorder::{
    ErrorType, Interception, InterceptionEnd, Outcome, Record, Recorder, ToolUsage, UserPrompt,
};
use aibridge_testkit::{MAX_WAIT, Postgres, Row};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

const TABLES: [&str; 5] = [
    "aibridge_interceptions",
    "aibridge_user_prompts",
    "aibridge_token_usages",
    "aibridge_tool_usages",
    "aibridge_model_thoughts",
];

/// Records the calls on SQLite and on PostgreSQL, and compares every cell of every row.
async fn assert_same_rows(server: &Postgres, calls: Vec<Vec<Record>>) {
    let dir = TestDir::new();
    let journal = tempfile::tempdir().expect("a directory");
    let (sqlite, postgres) = (dir.open(), open(journaled(server, journal.path())).await);
    for records in calls {
        let there = sqlite.record(records.clone()).await;
        let here = postgres.record(records).await;
        assert_eq!(here.is_ok(), there.is_ok(), "{here:?} {there:?}");
    }
    assert!(postgres.wait_until_projected(MAX_WAIT).await);
    for table in TABLES {
        let (there, here) = (dir.rows(table), server.rows(table).await);
        assert_eq!(here.len(), there.len(), "{table}");
        for (there, mut here) in there.into_iter().zip(here) {
            let instance = here.remove("instance_id");
            assert_eq!(instance.is_some(), table == "aibridge_interceptions");
            let there = there.as_object().expect("a row").clone();
            assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "{table}");
            for (column, cell) in there {
                assert_eq!(as_sqlite(&here, &column, &cell), cell, "{table}.{column}");
            }
        }
    }
    postgres.close().await;
}

/// The value that SQLite stores for this cell.
fn as_sqlite(row: &Row, column: &str, beside: &Value) -> Value {
    match &row[column] {
        Value::Bool(yes) => i64::from(*yes).into(),
        Value::String(text) if column.ends_with("_at") => {
            format!("{:.3}", text.parse::<Timestamp>().expect("a time")).into()
        }
        object @ Value::Object(_) => {
            let text = beside.as_str().expect("JSON is text there");
            assert_eq!(*object, serde_json::from_str::<Value>(text).expect("JSON"), "{column}");
            text.into()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_cell_equals_the_cell_in_sqlite() {
    let Some(server) = Postgres::start().await else { return };
    let whole = vec![start_records(), end()];
    assert_same_rows(&server, whole).await;
}

#[tokio::test]
async fn nul_is_replaced_as_on_sqlite() {
    let Some(server) = Postgres::start().await else { return };
    assert_same_rows(&server, vec![dirty_records()]).await;
}

#[tokio::test]
async fn both_databases_detect_the_same_conflicts() {
    let Some(server) = Postgres::start().await else { return };
    let (id, records) = start();
    let mut other = interception();
    other.id = id;
    other.model = "another".to_owned();
    let again = InterceptionEnd {
        outcome: Outcome::Failed(ErrorType::Shutdown),
        upstream_status: Some(500),
        credential_hint: Some("other".to_owned()),
        provider_response_id: Some("other".to_owned()),
        ..ended(id)
    };
    let (_, mut half_good) = start();
    half_good.push(Record::End(ended(Uuid::now_v7())));
    let end = vec![Record::Prompt(prompt(id)), Record::End(ended(id))];
    assert_same_rows(
        &server,
        vec![
            records.clone(),
            records,
            vec![Record::Start(other.into())],
            vec![Record::Prompt(prompt(Uuid::now_v7()))],
            half_good,
            end.clone(),
            end,
            vec![Record::End(again)],
            Vec::new(),
        ],
    )
    .await;
}

#[tokio::test]
async fn texts_may_be_as_long_as_clients_send_them() {
    let Some(server) = Postgres::start().await else { return };
    let long = |len: usize| (0..len).map(|at| char::from(b'a' + (at * at % 26) as u8)).collect::<String>();
    let interception = Interception {
        client_session_id: Some(long(100_000)),
        user_agent: Some(long(100_000)),
        ..interception()
    };
    let interception_id = interception.id;
    let prompt = UserPrompt { prompt: long(9 << 20), ..prompt(interception_id) };
    let usage = ToolUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: None,
        provider_tool_call_id: Some(long(20_000)),
        tool: long(20_000),
        server_url: None,
        input: "\\u0000\u{1}\u{7f}\"".to_owned(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at: Timestamp::now(),
    };
    let records =
        vec![Record::Start(interception.into()), Record::Prompt(prompt), Record::ToolUsage(usage.into())];
    assert_same_rows(&server, vec![records]).await;
}

#[tokio::test]
async fn a_start_recorded_again_after_its_end_is_not_a_conflict() {
    // A file of the spool is drained again if the gateway crashed before it removed the file.
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let (id, records) = start();
    let end = InterceptionEnd { credential_hint: Some("sk-a...efgh".to_owned()), ..ended(id) };
    for records in [records.clone(), vec![Record::End(end)], records] {
        store.record(records).await.expect("stored");
    }
    let row = &server.rows("aibridge_interceptions").await[0];
    assert_eq!((&row["credential_hint"], &row["outcome"]), (&"sk-a...efgh".into(), &"completed".into()));
}
