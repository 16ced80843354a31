//! The deletion of expired records, with the real binary.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Gateway, Launch, Postgres, RawClient, Row, ScriptedProvider, Store, wait_until};
use rusqlite::Connection;

const CHILDREN: [&str; 4] =
    ["aibridge_user_prompts", "aibridge_token_usages", "aibridge_tool_usages", "aibridge_model_thoughts"];

fn launch(provider: &ScriptedProvider, retention: &str) -> Launch {
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("[store]\n{retention}\n{settings}"))
}

/// Sends `times` requests, and returns the ids of the interceptions.
async fn call(gateway: &Gateway, times: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..times {
        let response = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking).await;
        assert_eq!(response.status(), 200);
        ids.push(response.header("x-aibridge-interception-id").unwrap().to_owned());
    }
    ids
}

async fn stop(gateway: Gateway) {
    gateway.terminate();
    assert!(gateway.wait_exit().await.status.success());
}

/// The ids that `aibridge interceptions list` prints, oldest first.
async fn list_interceptions(gateway: &Gateway, store: &str) -> Vec<String> {
    let words = ["interceptions", "list", "--json", "--store", store];
    let done = words.into_iter().fold(gateway.launch().clone(), Launch::arg).run().await;
    assert!(done.status.success(), "{done:?}");
    let rows: Vec<Row> = serde_json::from_str(&done.stdout).unwrap();
    rows.iter().rev().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn change(store: &Store, sql: &str) {
    Connection::open(store.path()).unwrap().execute_batch(sql).unwrap();
}

fn count(store: &Store, from: &str) -> i64 {
    store.query(&format!("SELECT count(*) AS n FROM {from}"), &[])[0]["n"].as_i64().unwrap()
}

/// Sets the start of an interception to `age` ago.
fn set_age(store: &Store, id: &str, age: &str) {
    let time = format!("strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{age}')");
    change(store, &format!("UPDATE aibridge_interceptions SET started_at = {time} WHERE id = '{id}'"));
}

#[tokio::test]
async fn expired_records_are_deleted_and_not_listed() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let launch = launch(&provider, "");
    let gateway = launch.start().await;
    let ids = call(&gateway, 3).await;
    let store = gateway.store();
    stop(gateway).await;
    set_age(&store, &ids[0], "61 days");
    set_age(&store, &ids[1], "59 days");
    let gateway = launch.start().await; // by default, all records are kept
    call(&gateway, 1).await;
    stop(gateway).await;
    assert_eq!(count(&store, "aibridge_interceptions"), 4);

    let gateway = launch.env("AIBRIDGE_STORE__RETENTION", "60d").start().await;
    assert!(gateway.stdout().contains("retain   60d"), "{}", gateway.stdout());
    gateway.wait_for_output("deleted expired interceptions deleted=1 started_before=").await;
    assert!(store.interception(&ids[0]).is_none());
    for table in CHILDREN {
        assert!(store.rows_of(table, &ids[0]).is_empty(), "{table}");
    }
    assert_eq!(store.rows_of(CHILDREN[0], &ids[1]).len(), 1, "a younger interception is complete");
    let url = format!("sqlite:{}", store.path().display());
    assert_eq!(list_interceptions(&gateway, &url).await[..2], ids[1..]);
    let metrics = RawClient::get(gateway.address(), "/metrics").await;
    assert!(metrics.text().contains("\naibridge_retention_deleted_total 1\n"), "{}", metrics.text());
    stop(gateway).await;
}

#[tokio::test]
async fn expired_records_are_deleted_on_postgres() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let launch = launch(&provider, "retention = \"60d\"").store(server.url());
    let gateway = launch.start().await;
    let ids = call(&gateway, 3).await;
    stop(gateway).await;
    for (id, days) in [(&ids[0], 61), (&ids[1], 59)] {
        let age = format!("started_at = now() - interval '{days} days'");
        server.execute(&format!("UPDATE aibridge_interceptions SET {age} WHERE id = '{id}'")).await;
    }
    let gateway = launch.start().await;
    gateway.wait_for_output("deleted expired interceptions deleted=1 started_before=").await;
    assert_eq!(list_interceptions(&gateway, &server.url()).await, ids[1..]);
    for table in &CHILDREN[..3] {
        assert_eq!(server.rows(table).await.len(), 2, "{table}");
    }
    stop(gateway).await;
}

/// The number of expired interceptions of the killed gateway.
const MANY: i64 = 2000;

/// Inserts interceptions that ended long ago, each with a row in every other table.
const FILL: &str = "
    CREATE TEMP TABLE number AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        SELECT i, printf('016f5e66-e800-7000-8000-%012x', i) AS id, '2020-01-01T00:00:00.000Z' AS at FROM n;
    INSERT INTO aibridge_interceptions SELECT id, 'ann', 'openai', 'openai', 'm', '/responses', 1, 'Codex', 's', NULL,
        'centralized', '', NULL, '{}', at, at, 'completed', NULL, 200 FROM number;
    INSERT INTO aibridge_user_prompts SELECT id, id, NULL, printf('%.*c', 10000, 'x'), at FROM number;
    INSERT INTO aibridge_token_usages (id, interception_id, input_tokens, output_tokens, cache_read_input_tokens,
        cache_write_input_tokens, extra_token_types, created_at) SELECT id, id, 1, 2, 3, 4, '{}', at FROM number;
    INSERT INTO aibridge_tool_usages SELECT id, id, NULL, NULL, 'look', NULL, '{}', 0, NULL, at, NULL FROM number;
    INSERT INTO aibridge_model_thoughts SELECT id, id, 'hm', '{}', at FROM number;";

#[tokio::test]
async fn a_kill_during_a_sweep_leaves_no_partial_interception() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let launch = launch(&provider, "retention = \"60d\"");
    let gateway = launch.start().await;
    let store = gateway.store();
    stop(gateway).await;
    change(&store, FILL);
    for round in 1..=3 {
        let so_far = count(&store, "aibridge_interceptions");
        let gateway = launch.start().await;
        let deletes = || count(&store, "aibridge_interceptions") < so_far - 50;
        wait_until(deletes, "some to be deleted").await;
        gateway.kill().await;
        let left = count(&store, "aibridge_interceptions");
        assert!(left > 0 && left < MANY, "{left} are left in round {round}");
        for table in CHILDREN {
            let belongs = "interception_id IN (SELECT id FROM aibridge_interceptions)";
            let rows =
                [format!("{table} WHERE {belongs}"), table.to_owned()].map(|from| count(&store, &from));
            assert_eq!(rows, [left, left], "{table} in round {round}");
        }
    }
    let gateway = launch.start().await;
    let [id] = &call(&gateway, 1).await[..] else { panic!("one") };
    wait_until(|| count(&store, "aibridge_interceptions") == 1, "all to be deleted").await;
    assert!(store.interception(id).is_some());
    stop(gateway).await;
}
