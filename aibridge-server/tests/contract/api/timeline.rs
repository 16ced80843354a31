//! A session with its timeline, its contents and its search.

use super::fixtures::{record, rows, tool, usage};
use super::{ended, interception, on_each_database, prompt};
use aibridge_recorder::{ErrorType, Interception, Outcome, Record};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_session_shows_its_timeline_page_by_page() {
    for served in on_each_database().await {
        let mut ids = Vec::new();
        for number in 0..520_u64 {
            let one = Interception {
                client_session_id: Some("s/1 <b>".to_owned()),
                ..interception(Duration::from_secs(1000 - number))
            };
            let id = one.id;
            ids.push(id);
            let mut records = vec![Record::Start(one.into())];
            if number == 0 {
                records.push(prompt(id, &format!("Please delete {}", "ä".repeat(70_000))));
            }
            records.extend([tool(id, "shell", &format!("{{\"rm\": {number}}}")), usage(id, 1)]);
            let failed = Outcome::Failed(ErrorType::Upstream5xx);
            records.push(ended(id, if number == 7 { failed } else { Outcome::Completed }));
            served.record(records).await;
        }
        record(
            &served,
            Interception { initiator_id: "bob".to_owned(), ..interception(Duration::ZERO) },
            Outcome::Completed,
        )
        .await;
        let any = ids[300];
        let summary = served.get_ok(&format!("sessions/{any}")).await;
        let expected = json!([ids[0], "s/1 <b>", "ann", 520, 1, 520, ids[7], ["gpt-5"]]);
        let names =
            ["id", "session", "user", "requests", "failed", "tool_calls", "first_failure_id", "models"];
        assert_eq!(json!(names.map(|name| &summary[name])), expected);

        let steps = served.all(&format!("sessions/{any}/timeline"), 100).await;
        let found: Vec<&str> = steps.iter().map(|step| step["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids.iter().map(Uuid::to_string).collect::<Vec<_>>());
        assert!(steps.iter().all(|step| step["tool_calls"].as_array().unwrap().len() == 1));
        let prompt = &steps[0]["prompts"][0];
        assert_eq!(
            (prompt["bytes"].as_u64(), prompt["excerpt"].as_str().unwrap().chars().count()),
            (Some(140_014), 1000)
        );

        let path = format!("interceptions/{}/prompts/{}", ids[0], prompt["id"].as_str().unwrap());
        let content = served.get_ok(&path).await;
        let text = content["text"].as_str().unwrap();
        assert_eq!(
            (text.len(), &content["is_cut"], &content["bytes"]),
            (65_536, &json!(true), &json!(140_014))
        );
        let download = served.get(&format!("{path}?download=true")).await;
        assert_eq!((download.status(), download.body.len()), (200, 140_014));
        assert_eq!(download.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(download.header("content-disposition").unwrap().starts_with("attachment; "));

        let found = rows(&served.get_ok(&format!("sessions/{any}/search?text=RM")).await);
        assert_eq!(found.len(), 520);
        let found = rows(&served.get_ok(&format!("sessions/{any}/search?text=delete")).await);
        assert_eq!((found.len(), &found[0]["kind"], &found[0]["matches"]), (1, &json!("prompts"), &json!(1)));
        let none = rows(&served.get_ok(&format!("sessions/{any}/search?text=%25")).await);
        assert_eq!(none.len(), 0, "no wildcard");

        let listed = rows(&served.get_ok("sessions?last_prompt=true").await);
        assert_eq!(listed.len(), 1, "the other interception has no session");
        assert!(listed[0]["last_prompt"].as_str().unwrap().starts_with("Please delete ä"));
        let tools = served.get_ok("tools").await;
        assert_eq!(tools["data"], json!([{"tool": "shell", "calls": 520, "failed": 0}]));
    }
}
