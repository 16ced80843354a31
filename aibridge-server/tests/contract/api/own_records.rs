//! `/api/v1/me/`: the records of the caller, and no others.

use super::fixtures::{record, rows};
use super::{interception, on_each_database};
use aibridge_recorder::{Interception, Outcome};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_user_reads_only_own_records() {
    for served in on_each_database().await {
        let of = |user: &str| Interception {
            initiator_id: user.to_owned(),
            client_session_id: Some("shared".to_owned()),
            ..interception(Duration::from_secs(5))
        };
        let (own, other) = (of("anonymous"), of("ann"));
        let (own, other) = (
            record(&served, own, Outcome::Completed).await,
            record(&served, other, Outcome::Completed).await,
        );
        assert_eq!(rows(&served.get_ok("totals").await)[0]["requests"], 2);
        assert_eq!(rows(&served.get_ok("me/totals").await)[0]["requests"], 1);
        for list in ["me/interceptions", "me/sessions"] {
            let found = rows(&served.get_ok(list).await);
            assert_eq!(found.iter().map(|row| &row["id"]).collect::<Vec<_>>(), [&json!(own)], "{list}");
            let refused = served.get(&format!("{list}?user=ann")).await;
            assert_eq!(refused.status(), 400, "{list} has no such filter");
        }
        let item = &rows(&served.get_ok(&format!("sessions/{other}/timeline")).await)[0]["prompts"][0]["id"];
        let content = format!("interceptions/{other}/prompts/{}", item.as_str().unwrap());
        let targets = [
            format!("interceptions/{other}"),
            content,
            format!("sessions/{other}"),
            format!("sessions/{other}/timeline"),
            format!("sessions/{other}/search"),
        ];
        for target in targets {
            assert_eq!(served.get(&target).await.status(), 200, "{target}");
            assert_eq!(served.get(&format!("me/{target}")).await.status(), 404, "{target}");
        }
        assert_eq!(served.get(&format!("me/sessions/{own}/timeline")).await.status(), 200);
    }
}
