//! Reads that hang, that nobody waits for, and that cannot be done.

use super::{Served, full, on_postgres, on_sqlite_with};
use aibridge_testkit::{Postgres, RawClient, request, within};
use std::time::Duration;

/// How many may read at once.
const READERS: usize = 4;

/// How many reads wait for a lock.
async fn hanging(server: &Postgres) -> usize {
    let waits =
        "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT id FROM aibridge%'";
    server.query(&format!("SELECT pid {waits}")).await.len()
}

async fn until_hanging(server: &Postgres, count: usize) {
    let hang = async { while hanging(server).await != count {} };
    within(hang, &format!("{count} reads to hang")).await;
}

async fn ask(served: &Served) -> RawClient {
    let mut client = RawClient::connect(served.gateway.address()).await;
    client.send(&request("GET", "/api/v1/interceptions", &[], b"")).await;
    client
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_ends_in_the_database_too() {
    let Some(served) = on_postgres().await else { return };
    let server = served.postgres.as_ref().unwrap();
    served.record(full(Duration::ZERO)).await;
    let mut blocker = server.client().await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE aibridge_interceptions IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let mut clients = Vec::new();
    for _ in 0..READERS {
        clients.push(ask(&served).await);
    }
    until_hanging(server, READERS).await;
    let refused = served.get("usage").await;
    assert_eq!((refused.status(), refused.header("x-aibridge-error")), (503, Some("too_many_readers")));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(served.get("keys").await.status(), 200, "it reads no records");

    drop(clients);
    until_hanging(server, 0).await;
    let mut again = ask(&served).await;
    until_hanging(server, 1).await;
    lock.rollback().await.unwrap();
    assert_eq!(again.head().await.status, 200);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_no_empty_list() {
    let Some(served) = on_postgres().await else { return };
    served.postgres.as_ref().unwrap().stop().await;
    for target in ["interceptions", "usage", "sessions"] {
        let answer = served.get(target).await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (503, Some("records_unavailable")));
    }
    assert_eq!(served.get("keys").await.status(), 200);
    served.gateway.said("could not read records").await;
}

#[tokio::test]
async fn what_is_read_is_not_logged() {
    let served = on_sqlite_with(|launch| launch.env("RUST_LOG", "trace")).await;
    let records = full(Duration::ZERO);
    let aibridge_recorder::Record::Start(one) = &records[0] else { panic!("a start") };
    let id = one.id;
    served.record(records).await;
    let answer = served.get(&format!("interceptions/{id}")).await;
    assert!(answer.text().contains("a secret question"), "{}", answer.text());
    for target in ["sessions?session=a+secret+filter", "usage?user=a+secret+filter&x=1"] {
        served.get(target).await;
    }
    served.gateway.terminate();
    let ended = served.gateway.exited().await;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("stopping") && !said.contains("secret"), "{said}");
}
