//! Invalid query parameters are refused with advice.

use super::{Served, interception, on_each_database};
use aibridge_recorder::Record;
use std::time::Duration;

#[tokio::test]
async fn an_invalid_parameter_is_named() {
    for served in on_each_database().await {
        assert_parameters_named(&served).await;
    }
}

async fn assert_parameters_named(served: &Served) {
    for _ in 0..2 {
        served.record(vec![Record::Start(interception(Duration::ZERO).into())]).await;
    }
    let page = served.get_ok("interceptions?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let of_list = format!("sessions?cursor={cursor}");
    let of_filter = format!("interceptions?cursor={cursor}&user=ann");
    let cut = format!("interceptions?cursor={}", &cursor[..cursor.len() - 3]);
    let table = [
        ("interceptions?limit=0", "limit", "from 1 to 1000"),
        ("interceptions?limit=1001", "limit", "from 1 to 1000"),
        ("interceptions?limit=ten", "limit", "from 1 to 1000"),
        ("interceptions?limit=", "limit", "from 1 to 1000"),
        ("sessions?limit=-1", "limit", "from 1 to 1000"),
        ("interceptions?outcome=ok", "outcome", "`cancelled`, `open`"),
        ("usage?since=yesterday", "since", "7d, 12h"),
        ("sessions?until=2026-02-30", "until", "2026-01-31"),
        ("usage?since=2026-01-31T12:00:00", "since", "2026-01-31T12:00:00Z for UTC"),
        ("interceptions?until=2026-01-31T12:00", "until", "no time zone"),
        ("interceptions?since=1d&until=2d", "until", "not after since"),
        ("totals?since=2026-01-31&until=2026-01-30", "until", "write a later time"),
        ("sessions?since=-004713-01-01T00:00:00Z", "since", "from the year 0 on"),
        ("interceptions?user=%00", "user", "without NUL"),
        ("usage?session=a%00b", "session", "without NUL"),
        ("usage?by=weather", "by", "user, model, client, day, provider"),
        ("usage?by=user,,day", "by", "with commas"),
        ("usage?by=", "by", "with commas"),
        ("usage?by=user,day,user", "by", "user twice"),
        ("totals?by=model,model", "by", "model twice"),
        ("usage?limit=5", "limit", "user, model, provider, client, session, outcome, since, until, by"),
        ("interceptions?users=ann", "users", "limit, cursor"),
        ("interceptions?by=user", "by", "limit, cursor"),
        ("interceptions?user=ann&user=bob", "user", "once"),
        ("sessions?User=ann", "User", "user, model"),
        ("keys?provider=openai", "provider", "no parameters"),
        ("openapi.json?format=yaml", "format", "no parameters"),
        ("interceptions/01890000-0000-7000-8000-000000000000?full=1", "full", "no parameters"),
        ("interceptions/last", "id", "a UUID"),
        ("interceptions?cursor=", "cursor", "first page"),
        ("interceptions?cursor=abc", "cursor", "first page"),
        ("interceptions?cursor=%22", "cursor", "first page"),
        (&cut, "cursor", "first page"),
        (&of_list, "cursor", "first page"),
        (&of_filter, "cursor", "other filters"),
    ];
    for (target, name, advice) in table {
        let response = served.get(target).await;
        assert_eq!(
            (response.status(), response.header("x-aibridge-error")),
            (400, Some("invalid_parameter")),
            "{target}"
        );
        let error = &response.json()["error"];
        assert_eq!(
            (&error["param"], &error["type"]),
            (&name.into(), &"invalid_request_error".into()),
            "{target}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("{name:?}")) && message.contains(advice), "{target}: {message}");
    }
    let nobody = "01890000-0000-7000-8000-000000000000";
    let response = served.get(&format!("interceptions/{nobody}")).await;
    assert_eq!((response.status(), response.header("x-aibridge-error")), (404, Some("unknown_interception")));
    assert!(response.text().contains(nobody), "{}", response.text());
}
