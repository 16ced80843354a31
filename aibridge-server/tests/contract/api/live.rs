//! `/api/v1/live`: calls that wait for changes.

use super::fixtures::{record, rows};
use super::{ended, full, interception, on_each_database, on_sqlite};
use aibridge_recorder::{Outcome, Record};
use aibridge_testkit::{RawClient, request};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn live_changes_arrive_as_interceptions_start_and_end() {
    for served in on_each_database().await {
        record(&served, interception(Duration::from_secs(9)), Outcome::Completed).await;
        let first = served.get_ok("live").await;
        assert_eq!((rows(&first).len(), &first["missed"]), (0, &json!(false)));
        let one = interception(Duration::ZERO);
        let id = one.id;
        served.record(vec![Record::Start(one.into())]).await;
        let started =
            served.get_ok(&format!("live?wait=30&after={}", first["after"].as_str().unwrap())).await;
        let shown =
            |response: &Value| (rows(response)[0]["id"].clone(), rows(response)[0]["outcome"].clone());
        assert_eq!(shown(&started), (json!(id), Value::Null));
        served.record(vec![ended(id, Outcome::Completed)]).await;
        let after = started["after"].as_str().unwrap();
        let over = served.get_ok(&format!("live?wait=30&after={after}")).await;
        assert_eq!(shown(&over), (json!(id), json!("completed")));
        let again = served.get_ok(&format!("live?wait=30&after={}", first["after"].as_str().unwrap())).await;
        assert_eq!(rows(&again).len(), 2, "both changes");
        let foreign = served.get_ok("live?after=1-1&wait=30").await;
        assert_eq!((rows(&foreign).len(), &foreign["missed"]), (0, &json!(true)));
    }
}

#[tokio::test]
async fn a_waiting_call_ends_with_the_gateway() {
    let served = on_sqlite().await;
    served.record(full(Duration::from_secs(60))).await;
    let after = served.get_ok("live").await["after"].as_str().unwrap().to_owned();
    let mut client = RawClient::connect(served.gateway.address()).await;
    let target = format!("/api/v1/live?wait=30&after={after}");
    client.send(&request("GET", &target, &[], b"")).await;
    served.get_ok("live").await; // so the previous call is being served
    served.gateway.terminate();
    assert_eq!(client.head().await.status, 200);
    assert_eq!(served.gateway.wait_exit().await.status.code(), Some(0));
}
