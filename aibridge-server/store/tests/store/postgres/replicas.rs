//! Heartbeats, and the interceptions of crashed instances.

use super::{count, open, options};
use crate::support::{ended, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::{Heartbeat, PostgresOptions};
use aibridge_testkit::{MAX_WAIT, Postgres};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

fn beating(server: &Postgres, every: Duration) -> PostgresOptions {
    let heartbeat = Heartbeat { every, stale_after: Duration::from_millis(500) };
    PostgresOptions { heartbeat, ..options(server) }
}

const OFTEN: Duration = Duration::from_millis(50);

async fn until(server: &Postgres, crashed: i64) {
    let sql = "FROM aibridge_interceptions WHERE error_type = 'gateway_crash'";
    let closed = async { while count(server, sql).await != crashed {} };
    timeout(MAX_WAIT, closed).await.expect("closed in time");
}

#[tokio::test]
async fn only_interceptions_of_a_crashed_replica_are_closed_and_only_once() {
    let Some(server) = Postgres::start().await else { return };
    // A trigger that counts how often each interception is closed.
    let dead = open(beating(&server, HOUR)).await; // it beats once
    let mut left = Vec::new();
    for _ in 0..20 {
        let (id, records) = start();
        dead.record(records).await.expect("stored");
        left.push(id);
    }
    server
        .execute(
            "CREATE TABLE closings (id uuid); CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO closings VALUES (NEW.id); RETURN NEW; END'; \
             CREATE TRIGGER noted BEFORE UPDATE ON aibridge_interceptions FOR EACH ROW \
             WHEN (NEW.error_type = 'gateway_crash') EXECUTE FUNCTION noted()",
        )
        .await;
    let living = [open(beating(&server, OFTEN)).await, open(beating(&server, OFTEN)).await];
    let mut open_ids = Vec::new();
    for store in &living {
        let (id, records) = start();
        store.record(records).await.expect("stored");
        open_ids.push(id);
    }
    until(&server, 20).await;
    let closed = server.query("SELECT id FROM closings ORDER BY id").await;
    let closed: Vec<Uuid> =
        closed.iter().map(|row| row["id"].as_str().expect("an id").parse().expect("an id")).collect();
    assert_eq!(closed, left, "each once, by one of the two");
    let rows = server.query("SELECT * FROM aibridge_interceptions WHERE error_type = 'gateway_crash'").await;
    assert!(rows.iter().all(|row| row["outcome"] == "failed" && !row["ended_at"].is_null()));

    for (store, id) in living.iter().zip(open_ids) {
        store.record(vec![Record::End(ended(id))]).await.expect("stored");
    }
    assert_eq!(count(&server, "FROM aibridge_interceptions WHERE outcome = 'completed'").await, 2);
}

#[tokio::test]
async fn a_late_end_replaces_the_assumed_crash() {
    let Some(server) = Postgres::start().await else { return };
    let away = open(beating(&server, HOUR)).await;
    let (id, records) = start();
    away.record(records).await.expect("stored");
    let living = open(beating(&server, OFTEN)).await;
    until(&server, 1).await;
    away.record(vec![Record::End(ended(id))]).await.expect("stored");
    away.record(vec![Record::End(ended(id))]).await.expect_err("it has ended");
    let row = &server.rows("aibridge_interceptions").await[0];
    assert_eq!((&row["outcome"], &row["error_type"]), (&"completed".into(), &().into()));
    living.close().await;
}

#[tokio::test]
async fn a_stopping_instance_removes_its_heartbeat() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(beating(&server, OFTEN)).await;
    assert_eq!(count(&server, "FROM aibridge_instances").await, 1);
    store.close().await;
    assert_eq!(count(&server, "FROM aibridge_instances").await, 0);
}
