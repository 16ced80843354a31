//! A store that refuses: a start is refused with it, an end is held.

use crate::dialects::{CHAT, DIALECTS, Dialect, KEY, REQUESTS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{
    BodyEnd, Gate, Launch, RawClient, Script, ScriptedProvider, Step, Store, request, wait_until,
};
use rusqlite::Connection;
use std::time::Duration;
use tokio::time::{Instant, advance, pause, resume, timeout};

/// Takes the store's write lock, as another program might.
pub(crate) fn lock(store: &Store) -> Connection {
    let connection = Connection::open(store.path()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// Answers in full, but waits at the gate before what ends the answer.
fn held_by(gate: &Gate, dialect: &Dialect, streaming: bool) -> Script {
    let waiting = Step::Await(gate.clone());
    if streaming {
        let [first, second, last] = dialect.events;
        return Script::sse_head().chunk(first).then(waiting).chunk([second, last].concat()).then(Step::End);
    }
    Script { steps: [vec![waiting], dialect.script(false).steps].concat() }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_asked() {
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let held = lock(&gateway.store);
    let asked = Instant::now();
    let mut clients = Vec::new();
    for (dialect, streaming) in REQUESTS {
        clients.push(dialect.send(gateway.address, streaming).await);
    }
    for client in &mut clients {
        let head = client.head().await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(2), "the contract says within 2 s: {took:?}");
        assert_eq!((head.status, head.header("x-aibridge-error")), (503, Some("recorder_unavailable")));
        assert_eq!(head.header("x-aibridge-interception-id"), None, "there is none");
        let (body, _) = client.rest().await;
        let error = &serde_json::from_slice::<serde_json::Value>(&body).unwrap()["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&"server_error".into(), &"recorder_unavailable".into())
        );
    }
    drop(held);
    let mut client = CHAT.send(gateway.address, false).await;
    assert_eq!(client.head().await.status, 200, "it goes on when the store does");
    client.rest().await;
    assert_eq!(provider.received().len(), 1, "the provider never heard of the others");
    let open = || gateway.store.query("SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL", &[]);
    wait_until(|| open().is_empty(), "what was refused to be closed, if it was stored at all").await;
}

#[tokio::test]
async fn the_end_of_an_answer_is_held_until_it_is_recorded() {
    let gate = Gate::new();
    let holds = gate.clone();
    let provider = ScriptedProvider::start(move |request| {
        let dialect = DIALECTS[usize::from(request.path() == "/v1/responses")];
        held_by(&holds, dialect, request.json()["stream"] == true)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut clients = Vec::new();
    for (dialect, streaming) in REQUESTS {
        clients.push(dialect.send(gateway.address, streaming).await);
    }
    gate.reached(REQUESTS.len()).await;
    let held = lock(&gateway.store);
    gate.open();
    for ((dialect, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        if *streaming {
            client.head().await;
            client.until(dialect.events[1]).await;
        }
    }
    // The store's writer takes one after the other: when it has given up this start, it has tried those ends.
    let mut refused = CHAT.send(gateway.address, false).await;
    assert_eq!(refused.head().await.header("x-aibridge-error"), Some("recorder_unavailable"));
    for ((_, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        let nothing_comes = match streaming {
            true => timeout(Duration::ZERO, client.piece()).await.is_err(),
            false => timeout(Duration::ZERO, client.try_head()).await.is_err(),
        };
        assert!(nothing_comes, "the end is held");
    }
    assert!(gateway.store.rows("aibridge_token_usages").is_empty());
    drop(held);
    for ((dialect, streaming), client) in REQUESTS.iter().zip(&mut clients) {
        if !streaming {
            client.head().await;
        }
        let end = if *streaming { dialect.events[2] } else { dialect.whole };
        assert_eq!(client.rest().await, (end.into(), BodyEnd::Clean));
    }
    assert_eq!(gateway.store.rows("aibridge_token_usages").len(), REQUESTS.len());
}

#[tokio::test]
async fn an_end_that_the_store_does_not_take_is_cut_and_never_looks_complete() {
    for (dialect, streaming) in REQUESTS {
        let gate = Gate::new();
        let script = held_by(&gate, dialect, streaming);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let patient = "stream_idle_timeout = \"24h\"\nresponse_timeout = \"24h\"\n";
        let gateway = Harness::start(&(provider_settings(&provider.base_url(), &[KEY]) + patient)).await;
        let mut client = dialect.send(gateway.address, streaming).await;
        if streaming {
            client.head().await;
            client.until(dialect.events[0]).await;
        }
        gate.reached(1).await;
        let _held = lock(&gateway.store);

        gate.open();
        if streaming {
            client.until(dialect.events[1]).await;
        }
        pause();
        let begun = Instant::now();
        let ended = loop {
            let next = if streaming { Ok(client.piece()) } else { Err(client.try_head()) };
            let come = match next {
                Ok(piece) => {
                    timeout(Duration::ZERO, piece).await.ok().map(|piece| (None, Some(piece.unwrap())))
                }
                Err(head) => timeout(Duration::ZERO, head).await.ok().map(|head| (head, None)),
            };
            match come {
                Some(come) => break come,
                None => advance(Duration::from_secs(1)).await,
            }
        };
        let took = begun.elapsed();
        resume();
        assert!(took >= Duration::from_secs(30), "it is held for 30 s: {took:?}");
        match ended {
            (_, Some(event)) => {
                let event = String::from_utf8(event.to_vec()).unwrap();
                assert_eq!(dialect.error_in(&event)["code"], "recorder_unavailable");
                assert_eq!(client.rest().await, ("".into(), BodyEnd::Cut));
            }
            (head, None) => {
                let head = head.unwrap();
                assert_eq!(
                    (head.status, head.header("x-aibridge-error")),
                    (503, Some("recorder_unavailable"))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit() {
    // The kernel lets no file of this process grow further, which SQLite takes for a disk without room.
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let launch = Launch::new("/bin/sh").config(provider_settings(&provider.base_url(), &[KEY]));
    let binary = env!("CARGO_BIN_EXE_aibridge");
    let limited = |limit: &str| format!("{limit}\nexec '{binary}' serve \"$@\"\n");
    std::fs::write(launch.dir().join("serve"), limited("trap '' XFSZ; ulimit -S -f 2048")).unwrap();
    let big = format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(4 << 20));
    let ask = async |address, body: &str| {
        let mut client = RawClient::connect(address).await;
        client.ask(&request("POST", "/openai/v1/responses", &[], body.as_bytes())).await
    };

    let gateway = launch.start().await;
    for (body, status) in [(DIALECTS[1].blocking, 200), (&big, 503), (DIALECTS[1].blocking, 200), (&big, 503)]
    {
        let answer = ask(gateway.address(), body).await;
        assert_eq!(answer.status(), status, "{:.20}", answer.text());
        assert_eq!(answer.header("x-aibridge-error"), (status == 503).then_some("recorder_unavailable"));
    }
    assert_eq!(provider.received().len(), 2, "the provider never heard of what did not fit");
    gateway.kill().await;

    std::fs::write(launch.dir().join("serve"), limited("")).unwrap();
    let gateway = launch.start().await;
    assert_eq!(ask(gateway.address(), &big).await.status(), 200, "there is room again");
    let rows = gateway.store().rows("aibridge_interceptions");
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "completed").count(), 3);
    assert_eq!(rows.len(), 3, "nothing is left of what was refused");
}
