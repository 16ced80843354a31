//! Reads that wait for a lock, are abandoned by their client, or fail.

use super::{Served, full, on_postgres, on_sqlite_with};
use aibridge_testkit::{Postgres, RawClient, poll_until, request};
use std::time::Duration;

/// The maximum number of concurrent reads.
const READERS: usize = 4;

/// The number of reads that wait for a lock.
async fn count_waiting_reads(server: &Postgres) -> usize {
    let waits =
        "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT id FROM aibridge%'";
    server.query(&format!("SELECT pid {waits}")).await.len()
}

async fn wait_for_waiting_reads(server: &Postgres, count: usize) {
    let is_reached = async || count_waiting_reads(server).await == count;
    poll_until(is_reached, &format!("{count} reads to wait for the lock")).await;
}

async fn call(served: &Served) -> RawClient {
    let mut client = RawClient::connect(served.gateway.address()).await;
    client.send(&request("GET", "/api/v1/interceptions", &[], b"")).await;
    client
}

#[tokio::test]
async fn an_abandoned_read_is_cancelled_in_the_database() {
    let Some(served) = on_postgres().await else { return };
    let server = served.postgres.as_ref().unwrap();
    served.record(full(Duration::ZERO)).await;
    let mut blocker = server.client().await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE aibridge_interceptions IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let mut clients = Vec::new();
    for _ in 0..READERS {
        clients.push(call(&served).await);
    }
    wait_for_waiting_reads(server, READERS).await;
    let refused = served.get("usage").await;
    assert_eq!((refused.status(), refused.header("x-aibridge-error")), (503, Some("too_many_readers")));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(served.get("keys").await.status(), 200, "it reads no records");

    drop(clients);
    wait_for_waiting_reads(server, 0).await;
    let mut again = call(&served).await;
    wait_for_waiting_reads(server, 1).await;
    lock.rollback().await.unwrap();
    assert_eq!(again.head().await.status, 200);
}

#[tokio::test]
async fn unreadable_records_are_an_error_and_not_an_empty_list() {
    let Some(served) = on_postgres().await else { return };
    served.postgres.as_ref().unwrap().stop().await;
    for target in ["interceptions", "usage", "sessions"] {
        let response = served.get(target).await;
        assert_eq!(
            (response.status(), response.header("x-aibridge-error")),
            (503, Some("records_unavailable"))
        );
    }
    assert_eq!(served.get("keys").await.status(), 200);
    served.gateway.wait_for_output("could not read records").await;
}

#[tokio::test]
async fn records_read_by_the_api_are_not_logged() {
    let served = on_sqlite_with(|launch| launch.env("RUST_LOG", "trace")).await;
    let records = full(Duration::ZERO);
    let aibridge_recorder::Record::Start(one) = &records[0] else { panic!("a start") };
    let id = one.id;
    served.record(records).await;
    let response = served.get(&format!("interceptions/{id}")).await;
    assert!(response.text().contains("a secret question"), "{}", response.text());
    for target in ["sessions?session=a+secret+filter", "usage?user=a+secret+filter&x=1"] {
        served.get(target).await;
    }
    served.gateway.terminate();
    let ended = served.gateway.wait_exit().await;
    let output = format!("{}{}", ended.stdout, ended.stderr);
    assert!(output.contains("stopping") && !output.contains("secret"), "{output}");
}
