//! Pagination while other clients write, and filters.

use super::{Pages, Served, ended, interception, on_each_database, prompt};
use aibridge_recorder::{ErrorType, Interception, Outcome, Record};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The number of rows before the first page is read.
const ROWS: u32 = 300;
const LIMIT: usize = 7;

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap().to_owned()
}

/// Records interceptions at intervals of a second, the last one a minute ago. Returns their ids, newest first.
async fn record(served: &Served, change: impl Fn(u32, Interception) -> Interception) -> Vec<String> {
    let (mut ids, mut records) = (Vec::new(), Vec::new());
    for number in 0..ROWS {
        let one = change(number, interception(Duration::from_secs(u64::from(60 + number))));
        ids.push(one.id.to_string());
        let id = one.id;
        records.extend([Record::Start(one.into()), prompt(id, "why?")]);
        match number % 4 {
            0 => records.push(ended(id, Outcome::Completed)),
            1 => records.push(ended(id, Outcome::Failed(ErrorType::StreamError))),
            2 => records.push(ended(id, Outcome::Cancelled)),
            _ => {}
        }
    }
    served.record(records).await;
    ids
}

/// Records two more: one that starts now, and one in the session at the end of the list.
async fn write_between_pages(served: &Served) {
    let session = |name: String, one: Interception| Interception { client_session_id: Some(name), ..one };
    let now = || interception(Duration::ZERO);
    let (new, old) = (session(now().id.to_string(), now()), session("session-99".to_owned(), now()));
    served.record(vec![Record::Start(new.into()), Record::Start(old.into())]).await;
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_rows_during_writes() {
    for served in on_each_database().await {
        let there = record(&served, |_, one| one).await;
        let mut pages = Pages::of("interceptions", LIMIT);
        let mut ids = Vec::new();
        while let Some(page) = pages.next(&served).await {
            assert!(page.len() == LIMIT || pages.is_over, "{} of {LIMIT}", page.len());
            ids.extend(page.iter().map(|row| text(row, "id")));
            write_between_pages(&served).await;
        }
        assert_eq!(ids, there, "later interceptions are not on later pages");
        let whole = served.get_ok("interceptions?limit=1000").await;
        let written = 2 * ids.len().div_ceil(LIMIT);
        assert_eq!(whole["data"].as_array().unwrap().len(), ids.len() + written);
        assert_eq!(whole["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn pages_of_sessions_neither_repeat_nor_skip_an_active_session() {
    for served in on_each_database().await {
        record(&served, |number, one| {
            let client_session_id = Some(format!("session-{}", number % 100));
            Interception { client_session_id, ..one }
        })
        .await;
        let mut pages = Pages::of("sessions", LIMIT);
        let mut sessions = Vec::new();
        while let Some(page) = pages.next(&served).await {
            sessions.extend(page);
            write_between_pages(&served).await;
        }
        let names: Vec<_> = sessions.iter().map(|row| text(row, "session")).collect();
        let expected: Vec<_> = (0..100).map(|number| format!("session-{number}")).collect();
        assert_eq!(names, expected, "the latest begun first");
        let last = sessions.last().unwrap();
        assert_eq!(last["requests"], 3 + 100 / LIMIT, "including rows written before its page");
        assert!(text(last, "first_at") < text(last, "last_at"), "{last}");
    }
}

#[tokio::test]
async fn the_api_and_the_command_return_the_same_rows_for_every_filter() {
    for served in on_each_database().await {
        record(&served, |number, one| Interception {
            initiator_id: if number % 3 == 0 { "bob & co" } else { "ann" }.to_owned(),
            model: if number % 5 == 0 { "gpt-ä" } else { "gpt-5" }.to_owned(),
            provider_name: if number % 7 == 0 { "second" } else { "openai" }.to_owned(),
            client: if number % 11 == 0 { "Charm Crush" } else { "Codex" }.to_owned(),
            client_session_id: (number % 13 == 0).then(|| "s/1".to_owned()),
            ..one
        })
        .await;
        let table: [(&str, &[&str], usize); 14] = [
            ("", &[], 300),
            ("user=bob+%26+co", &["--user", "bob & co"], 100),
            ("model=gpt-%C3%A4", &["--model", "gpt-ä"], 60),
            ("provider=second", &["--provider", "second"], 43),
            ("client=Charm%20Crush", &["--client", "Charm Crush"], 28),
            ("session=s%2F1", &["--session", "s/1"], 24),
            ("outcome=completed", &["--outcome", "completed"], 75),
            ("outcome=failed", &["--outcome", "failed"], 75),
            ("outcome=cancelled", &["--outcome", "cancelled"], 75),
            ("outcome=open", &["--outcome", "open"], 75),
            ("since=1d", &["--since", "1d"], 300),
            ("until=1d", &["--until", "1d"], 0),
            (
                "user=ann&model=gpt-5&outcome=open",
                &["--user", "ann", "--model", "gpt-5", "--outcome", "open"],
                40,
            ),
            ("user=nobody", &["--user", "nobody"], 0),
        ];
        for (query, words, count) in table {
            let by_command = [&["interceptions", "list", "--limit", "1000"], words].concat();
            let rows = served.all(&format!("interceptions?{query}"), 50).await;
            assert_eq!(rows.len(), count, "{query}");
            assert_eq!(Value::from(rows), served.command(&by_command).await, "{query}");

            let usage = served.get_ok(&format!("usage?by=user,model,client,day,provider&{query}")).await;
            let by_command = [&["usage", "--by", "user,model,client,day,provider"], words].concat();
            assert_eq!(usage["data"], served.command(&by_command).await, "{query}");

            let sessions: BTreeSet<_> =
                served.all(&format!("sessions?{query}"), 1).await.iter().map(Value::to_string).collect();
            let by_command = served.command(&[&["sessions"], words].concat()).await;
            let expected = by_command.as_array().unwrap().iter().map(Value::to_string).collect();
            assert_eq!(sessions, expected, "{query}");
        }
        let default = served.get_ok("usage").await;
        assert_eq!(default["data"], served.command(&["usage"]).await);
        let one = text(&served.get_ok("interceptions?limit=1").await["data"][0], "id");
        let shown = served.get_ok(&format!("interceptions/{one}")).await;
        assert_eq!(shown, served.command(&["interceptions", "show", &one]).await);
    }
}

#[tokio::test]
async fn a_range_of_times_is_exact() {
    for served in on_each_database().await {
        record(&served, |_, one| one).await;
        let all = served.all("interceptions", 1000).await;
        let (since, until) = (text(&all[40], "started_at"), text(&all[20], "started_at"));
        let rows = served.all(&format!("interceptions?since={since}&until={until}"), LIMIT).await;
        assert_eq!(rows, all[21..=40]);
    }
}
