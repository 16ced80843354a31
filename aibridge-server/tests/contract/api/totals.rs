//! `/api/v1/totals` and `/api/v1/facets`: sums by period and key, compared with the records.

use super::fixtures::{record, rows};
use super::{interception, on_each_database, on_sqlite_with};
use aibridge_recorder::{ErrorType, Interception, Outcome};
use aibridge_testkit::Launch;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

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
async fn usage_has_the_days_of_the_zone_in_the_settings() {
    let zone = ("AIBRIDGE_BUDGETS__TIME_ZONE", "Pacific/Kiritimati"); // UTC+14
    let served = on_sqlite_with(|launch| launch.env(zone.0, zone.1)).await;
    for hours in 0..24 {
        let mut one = interception(Duration::ZERO);
        one.started_at = Timestamp::now() - SignedDuration::from_hours(hours);
        record(&served, one, Outcome::Completed).await;
    }
    let days = |list: &Value, name: &str| -> Vec<(String, u64)> {
        let text = |row: &Value| row[name].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|row| (text(row), row["requests"].as_u64().unwrap())).collect()
    };
    let usage = served.get_ok("usage?by=day").await;
    let totals = served.get_ok("totals?interval=day").await;
    let begins = days(&totals["data"], "at").into_iter().map(|(at, requests)| {
        let midnight: Timestamp = at.parse().unwrap();
        (midnight.to_zoned(jiff::tz::TimeZone::get(zone.1).unwrap()).date().to_string(), requests)
    });
    assert_eq!(days(&usage["data"], "day"), begins.collect::<Vec<_>>());
    let store = format!("sqlite:{}", served.gateway.launch().store_path().display());
    let words = ["usage", "--by", "day", "--json", "--store", &store];
    let command = words.into_iter().fold(Launch::new(env!("CARGO_BIN_EXE_aibridge")), Launch::arg);
    let ended = command.env(zone.0, zone.1).run().await;
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap(), usage["data"], "{ended:?}");
}
