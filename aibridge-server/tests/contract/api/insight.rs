//! Sums, sessions, timelines and live changes over HTTP, compared with what was recorded.

use super::{Served, ended, full, interception, on_each_database, prompt};
use aibridge_recorder::{ErrorType, Interception, Outcome, Record, TokenUsage, ToolUsage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

fn usage(interception_id: Uuid, input_tokens: i64) -> Record {
    Record::TokenUsage(TokenUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: None,
        input_tokens,
        output_tokens: 1,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
        extra_token_types: Default::default(),
        cost: None,
        charged: Default::default(),
        created_at: Timestamp::now(),
    })
}

fn tool(interception_id: Uuid, tool: &str, input: &str) -> Record {
    Record::ToolUsage(Box::new(ToolUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: None,
        provider_tool_call_id: None,
        tool: tool.to_owned(),
        server_url: None,
        input: input.to_owned(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at: Timestamp::now(),
    }))
}

/// Records an interception that ended, with its usage.
async fn record(served: &Served, one: Interception, outcome: Outcome) -> Uuid {
    let id = one.id;
    served
        .record(vec![Record::Start(one.into()), prompt(id, "why?"), usage(id, 10), ended(id, outcome)])
        .await;
    id
}

fn rows(response: &Value) -> Vec<Value> {
    response["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn totals_are_exact_by_day_of_a_zone_and_by_key() {
    for served in on_each_database().await {
        let now = Timestamp::now();
        let ago = |hours: i64| {
            let mut one = interception(Duration::from_secs(hours.unsigned_abs() * 3600));
            one.started_at = now - SignedDuration::from_hours(hours);
            one
        };
        for hours in 0..72 {
            let model = if hours % 3 == 0 { "gpt-5" } else { "gpt-4" };
            let outcome = match hours % 4 {
                0 => Outcome::Failed(ErrorType::RateLimited),
                1 => Outcome::Cancelled,
                _ => Outcome::Completed,
            };
            record(&served, Interception { model: model.to_owned(), ..ago(hours) }, outcome).await;
        }
        let all = rows(&served.get_ok("totals").await);
        let [all] = all.as_slice() else { panic!("{all:?}") };
        let sums = ["requests", "failed", "cancelled", "ended", "input_tokens", "output_tokens", "unpriced"];
        assert_eq!(sums.map(|name| all[name].as_u64().unwrap()), [72, 18, 18, 72, 720, 72, 72]);
        assert_eq!(
            (&all["cost_nano_usd"], all.get("at"), &all["is_rest"]),
            (&Value::Null, None, &json!(false))
        );
        assert!(all["duration_ms"].as_u64().unwrap() >= 71 * 72 / 2 * 3_600_000, "{all}");

        for name in ["UTC", "Asia/Kathmandu", "America/New_York"] {
            let zone = jiff::tz::TimeZone::get(name).unwrap();
            let found = served.get_ok(&format!("totals?interval=day&by=model&time_zone={name}")).await;
            assert_eq!(found["time_zone"], name);
            let mut expected = std::collections::BTreeMap::new();
            for hours in 0..72 {
                let day =
                    (now - SignedDuration::from_hours(hours)).to_zoned(zone.clone()).start_of_day().unwrap();
                let model = if hours % 3 == 0 { "gpt-5" } else { "gpt-4" };
                *expected.entry((format!("{:.3}", day.timestamp()), model.to_owned())).or_insert(0) += 1;
            }
            let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
            let found: std::collections::BTreeMap<_, _> = rows(&found)
                .iter()
                .map(|row| ((text(row, "at"), text(row, "model")), row["requests"].as_u64().unwrap()))
                .collect();
            assert_eq!(found, expected, "{name}");
        }
        let since = rows(&served.get_ok("totals?since=25h&interval=hour").await);
        assert_eq!(since.iter().map(|row| row["requests"].as_u64().unwrap()).sum::<u64>(), 25);
        let outcomes = rows(&served.get_ok("totals?by=outcome,error_type&model=gpt-5").await);
        let failed = outcomes.iter().find(|row| row["error_type"] == "rate_limited").unwrap();
        assert_eq!((&failed["outcome"], &failed["requests"]), (&json!("failed"), &json!(6)));
        let top = rows(&served.get_ok("totals?by=model&top=1").await);
        assert_eq!((&top[0]["model"], &top[0]["requests"]), (&json!("gpt-4"), &json!(48)));
        assert_eq!(
            (top[1].get("model"), &top[1]["is_rest"], &top[1]["requests"]),
            (None, &json!(true), &json!(24))
        );

        let facets = served.get_ok("facets").await;
        assert_eq!(
            facets["model"],
            json!([{"value": "gpt-4", "requests": 48}, {"value": "gpt-5", "requests": 24}])
        );
        assert_eq!(facets["user"], json!([{"value": "ann", "requests": 72}]));
    }
}

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

#[tokio::test]
async fn own_records_are_those_of_the_caller() {
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
    let served = super::on_sqlite().await;
    served.record(full(Duration::from_secs(60))).await;
    let after = served.get_ok("live").await["after"].as_str().unwrap().to_owned();
    let mut client = aibridge_testkit::RawClient::connect(served.gateway.address()).await;
    let target = format!("/api/v1/live?wait=30&after={after}");
    client.send(&aibridge_testkit::request("GET", &target, &[], b"")).await;
    served.get_ok("live").await; // the call before is being served
    served.gateway.terminate();
    assert_eq!(client.head().await.status, 200);
    assert_eq!(served.gateway.wait_exit().await.status.code(), Some(0));
}
