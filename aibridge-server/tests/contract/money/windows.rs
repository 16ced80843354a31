//! After a restart, recorded spending counts in the calendar periods of the configured time zone.

use super::{BODY, CHAT, dollar_provider, settings};
use crate::reload;
use aibridge_budgets::{Period, Window};
use aibridge_testkit::RawClient;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::json;

fn starts(zone: &TimeZone) -> [Timestamp; 3] {
    Period::ALL.map(|period| Window::containing(period, zone, Timestamp::now()).start)
}

#[tokio::test]
async fn spending_counts_in_the_periods_of_the_time_zone() {
    let provider = dollar_provider().await;
    for name in ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"] {
        let zone = TimeZone::get(name).unwrap();
        let starts = starts(&zone);
        let budgets = format!("[budgets]\ntime_zone = \"{name}\"\n");
        let launch = reload::launch(settings(&budgets, &provider));
        let gateway = launch.start().await;
        for _ in 0..6 {
            assert_eq!(RawClient::post(gateway.address(), CHAT, &[], BODY).await.status(), 200);
        }
        let usages = gateway.store().rows("aibridge_token_usages");
        gateway.terminate();
        assert!(gateway.wait_exit().await.status.success());

        // One response at the first millisecond of each period, and one before it.
        let times: Vec<Timestamp> =
            starts.iter().flat_map(|start| [*start, *start - SignedDuration::from_millis(1)]).collect();
        let database = Connection::open(launch.store_path()).unwrap();
        for (usage, time) in usages.iter().zip(&times) {
            let row = [format!("{time:.3}"), usage["id"].as_str().unwrap().to_owned()];
            database.execute("UPDATE aibridge_token_usages SET created_at = ?1 WHERE id = ?2", row).unwrap();
        }
        drop(database);
        let gateway = launch.start().await;
        let me = RawClient::get(gateway.address(), "/api/v1/me").await.json();
        if self::starts(&zone) != starts {
            return; // a day began meanwhile
        }
        for (index, start) in starts.iter().enumerate() {
            let dollars = times.iter().filter(|time| *time >= start).count() as i64;
            assert_eq!(
                me["spend"][index]["spent_nano_usd"],
                json!(dollars * 1_000_000_000),
                "{name} {index}"
            );
        }
    }
}
