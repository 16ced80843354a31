//! A store that fails: a start is refused, and an end delays the response.

use crate::dialects::{CHAT, DIALECTS, Dialect, KEY, MESSAGES, REQUESTS};
use crate::harness::{Harness, WAITS_FOR_DATABASE, anthropic_settings, provider_settings};
use aibridge_testkit::{
    BodyEnd, Gate, Launch, RawClient, Script, ScriptedProvider, Store, request, wait_until,
};
use rusqlite::Connection;
use std::time::Duration;
use tokio::time::{Instant, advance, pause, resume, timeout};

/// Takes the write lock of the store, as another program might.
pub(crate) fn lock(store: &Store) -> Connection {
    let connection = Connection::open(store.path()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// A complete response that waits at the gate before its end.
fn gated_script(gate: &Gate, dialect: &Dialect, streaming: bool) -> Script {
    if streaming { dialect.held_stream(gate) } else { dialect.script(false).wait_after(0, gate) }
}

/// A gateway whose requests and responses wait for the database.
async fn waiting_gateway(provider: &ScriptedProvider) -> Harness {
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    Harness::start(&format!("{WAITS_FOR_DATABASE}{settings}")).await
}

#[tokio::test]
async fn a_request_that_cannot_be_recorded_is_not_sent() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = waiting_gateway(&provider).await;
    let write_lock = lock(&gateway.store);
    let sent_at = Instant::now();
    let mut clients = Vec::new();
    for (dialect, streaming) in REQUESTS {
        clients.push(dialect.send(gateway.address, streaming).await);
    }
    for client in &mut clients {
        let head = client.head().await;
        let took = sent_at.elapsed();
        assert!(took < Duration::from_secs(2), "the contract says within 2 s: {took:?}");
        assert_eq!((head.status, head.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
        assert_eq!(head.header("x-aibridge-interception-id"), None, "there is none");
        assert_eq!(head.header("x-should-retry"), None, "a retry costs nothing");
        let (body, _) = client.read_to_end().await;
        let error = &serde_json::from_slice::<serde_json::Value>(&body).unwrap()["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&"server_error".into(), &"recorder_unavailable".into())
        );
    }
    drop(write_lock);
    let mut client = CHAT.send(gateway.address, false).await;
    assert_eq!(client.head().await.status, 200, "it goes on when the store does");
    client.read_to_end().await;
    assert_eq!(provider.received().len(), 1, "the others reached no provider");
    let rows = gateway.store.rows("aibridge_interceptions");
    assert_eq!(
        (rows.len(), &rows[0]["outcome"]),
        (1, &"completed".into()),
        "what was refused leaves nothing"
    );
}

#[tokio::test]
async fn the_end_of_a_response_waits_for_its_record() {
    let gate = Gate::new();
    let holds = gate.clone();
    let provider = ScriptedProvider::start(move |request| {
        let dialect = Dialect::of(request);
        gated_script(&holds, dialect, request.json()["stream"] == true)
    })
    .await;
    let gateway = waiting_gateway(&provider).await;
    let mut clients = Vec::new();
    for (dialect, streaming) in REQUESTS {
        clients.push(dialect.send(gateway.address, streaming).await);
    }
    gate.wait_reached(REQUESTS.len()).await;
    let write_lock = lock(&gateway.store);
    gate.open();
    for ((dialect, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        if *streaming {
            client.head().await;
            client.read_until(dialect.events[1]).await;
        }
    }
    // The journal keeps records in order: when this start is refused, the database had the time to take the earlier ends.
    let mut refused = CHAT.send(gateway.address, false).await;
    assert_eq!(refused.head().await.header("x-aibridge-error"), Some("recorder_unavailable"));
    for ((_, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        let nothing_comes = match streaming {
            true => timeout(Duration::ZERO, client.piece()).await.is_err(),
            false => timeout(Duration::ZERO, client.try_head()).await.is_err(),
        };
        assert!(nothing_comes, "the end waits for its record");
    }
    assert!(gateway.store.query_now("SELECT id FROM aibridge_token_usages", &[]).is_empty());
    drop(write_lock);
    for ((dialect, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        if !streaming {
            client.head().await;
        }
        let end = if *streaming { dialect.events[2] } else { dialect.whole };
        assert_eq!(client.read_to_end().await, (end.into(), BodyEnd::Clean));
    }
    assert_eq!(gateway.store.rows("aibridge_token_usages").len(), REQUESTS.len());
}

#[tokio::test]
async fn a_response_whose_end_cannot_be_recorded_is_truncated() {
    for (dialect, streaming) in REQUESTS.into_iter().chain([(&MESSAGES, false)]) {
        let gate = Gate::new();
        let script = gated_script(&gate, dialect, streaming);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let long_timeouts = "stream_idle_timeout = \"24h\"\nresponse_timeout = \"24h\"\n";
        let vendors = [provider_settings, anthropic_settings]
            .map(|settings| settings(&provider.base_url(), &[KEY]) + long_timeouts);
        let gateway = Harness::start(&format!("{WAITS_FOR_DATABASE}{}", vendors.concat())).await;
        let mut client = dialect.send(gateway.address, streaming).await;
        if streaming {
            client.head().await;
            client.read_until(dialect.events[0]).await;
        }
        gate.wait_reached(1).await;
        let _write_lock = lock(&gateway.store);

        gate.open();
        if streaming {
            client.read_until(dialect.events[1]).await;
        }
        pause();
        let begun = Instant::now();
        let ended = loop {
            let next = if streaming { Ok(client.piece()) } else { Err(client.try_head()) };
            let received = match next {
                Ok(piece) => {
                    timeout(Duration::ZERO, piece).await.ok().map(|piece| (None, Some(piece.unwrap())))
                }
                Err(head) => timeout(Duration::ZERO, head).await.ok().map(|head| (head, None)),
            };
            match received {
                Some(received) => break received,
                None => advance(Duration::from_secs(1)).await,
            }
        };
        let took = begun.elapsed();
        resume();
        assert!(took >= Duration::from_secs(30), "the end waits for 30 s: {took:?}");
        match ended {
            (_, Some(event)) => {
                let event = String::from_utf8(event.to_vec()).unwrap();
                assert_eq!(dialect.error_in(&event)["code"], "recorder_unavailable");
                assert_eq!(client.read_to_end().await, ("".into(), BodyEnd::Truncated));
            }
            (head, None) => {
                let head = head.unwrap();
                assert_eq!(
                    (head.status, head.header("x-aibridge-error")),
                    (503, Some("recorder_unavailable"))
                );
                // A client can see that the provider was called, and an SDK does not call it again.
                assert!(head.header("x-aibridge-interception-id").is_some());
                assert_eq!(
                    (head.header("x-should-retry"), head.header("retry-after")),
                    (Some("false"), None),
                    "{}",
                    dialect.target
                );
                let (body, _) = client.read_to_end().await;
                let body = String::from_utf8(body.to_vec()).unwrap();
                assert!(body.contains("was sent to the provider"), "{body}");
                let error = &serde_json::from_str::<serde_json::Value>(&body).unwrap()["error"];
                assert!(
                    ["server_error", "overloaded_error"].contains(&error["type"].as_str().unwrap()),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_requests() {
    // The kernel lets no file of the process grow, which SQLite treats as a full disk.
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let launch = Launch::new("/bin/sh").config(provider_settings(&provider.base_url(), &[KEY]));
    let binary = env!("CARGO_BIN_EXE_aibridge");
    let limited = |limit: &str| format!("{limit}\nexec '{binary}' serve \"$@\"\n");
    std::fs::write(launch.dir().join("serve"), limited("trap '' XFSZ; ulimit -S -f 2048")).unwrap();
    let big = format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(4 << 20));
    let call = async |address, body: &str| {
        let mut client = RawClient::connect(address).await;
        client.call(&request("POST", "/openai/v1/responses", &[], body.as_bytes())).await
    };

    let gateway = launch.start().await;
    for (body, status) in [(DIALECTS[1].blocking, 200), (&big, 503), (DIALECTS[1].blocking, 200), (&big, 503)]
    {
        let response = call(gateway.address(), body).await;
        assert_eq!(response.status(), status, "{:.20}", response.text());
        assert_eq!(response.header("x-aibridge-error"), (status == 503).then_some("recorder_unavailable"));
    }
    assert_eq!(provider.received().len(), 2, "requests without room for their record reached no provider");
    gateway.kill().await;

    std::fs::write(launch.dir().join("serve"), limited("")).unwrap();
    let gateway = launch.start().await;
    assert_eq!(call(gateway.address(), &big).await.status(), 200, "there is room again");
    let rows = gateway.store().rows("aibridge_interceptions");
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "completed").count(), 3);
    assert_eq!(rows.len(), 3, "refused requests leave no rows");
}

#[tokio::test]
async fn a_locked_database_delays_no_request() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let write_lock = lock(&gateway.store);
    for (dialect, streaming) in REQUESTS {
        let mut client = dialect.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.read_to_end().await, (dialect.response(streaming).into(), BodyEnd::Clean));
    }
    assert_eq!(RawClient::get(gateway.address, "/readyz").await.status(), 200);
    let lag = RawClient::get(gateway.address, "/metrics").await;
    assert!(
        lag.text().contains("\naibridge_journal_lag_records 8\n"),
        "a start and an end each: {}",
        lag.text()
    );
    drop(write_lock);
    let completed = "SELECT id FROM aibridge_interceptions WHERE outcome = 'completed'";
    wait_until(|| gateway.store.query(completed, &[]).len() == REQUESTS.len(), "all to be stored").await;
    assert_eq!(gateway.store.rows("aibridge_token_usages").len(), REQUESTS.len());
}
