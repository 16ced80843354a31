//! Connections that are used again, and providers that close them: no request is lost, and none is sent twice.

use crate::dialects::{CHAT, DIALECTS, KEY};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{BodyEnd, Gate, Script, ScriptedProvider, Step};

#[tokio::test]
async fn a_connection_is_used_again() {
    let provider = ScriptedProvider::start(|request| match CHAT.stream.as_bytes() == request.body {
        true => Script::sse(CHAT.answer(true)),
        false => Script::json(200, CHAT.whole),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for streaming in [false, true, false, true] {
        let mut client = CHAT.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.rest().await, (CHAT.answer(streaming).into(), BodyEnd::Clean));
    }
    assert_eq!(provider.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_while_idle_costs_no_request() {
    let provider = ScriptedProvider::start(|_| {
        let Script { mut steps } = Script::json(200, CHAT.whole);
        steps.push(Step::Close);
        Script { steps }
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for number in 0..20 {
        let mut client = CHAT.send(gateway.address, false).await;
        assert_eq!(client.head().await.status, 200, "request {number}");
        assert_eq!(client.rest().await, (CHAT.whole.into(), BodyEnd::Clean), "request {number}");
        provider.closed(number).await;
    }
    assert_eq!(provider.received().len(), 20, "each request is sent once");
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    for dialect in DIALECTS {
        for end in [Step::Close, Step::Reset] {
            let provider = ScriptedProvider::start(move |request| match request.number {
                0 => Script::json(200, dialect.whole),
                _ => Script::new().then(end.clone()),
            })
            .await;
            let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
            for status in [200, 502] {
                let mut client = dialect.send(gateway.address, false).await;
                assert_eq!(client.head().await.status, status);
                client.rest().await;
            }
            let received = provider.received();
            assert_eq!(received.len(), 2, "{}: a provider may have acted on it", dialect.target);
            assert_eq!(received[0].connection, received[1].connection, "{}", dialect.target);
        }
    }
}

#[tokio::test]
async fn an_answer_that_the_client_left_does_not_spoil_a_connection() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 => Script::sse_head().chunk(CHAT.events[0]).then(Step::Await(held.clone())).chunk(CHAT.events[1]),
        _ => Script::json(200, CHAT.whole),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = CHAT.send(gateway.address, true).await;
    client.head().await;
    client.until(CHAT.events[0]).await;
    drop(client);
    provider.closed(0).await;
    let mut client = CHAT.send(gateway.address, false).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(client.rest().await, (CHAT.whole.into(), BodyEnd::Clean));
    let received = provider.received();
    assert_ne!(received[0].connection, received[1].connection);
}

#[tokio::test]
async fn an_idle_connection_is_kept_no_longer_than_provider_and_settings_say() {
    let never = ("Keep-Alive", "timeout=0, max=100");
    for (header, setting) in [(Some(never), ""), (None, "keep_alive = \"1ms\"\n")] {
        let provider = ScriptedProvider::start(move |_| {
            let script = Script::json(200, CHAT.whole);
            header.iter().fold(script, |script, (name, value)| script.header(name, value))
        })
        .await;
        let settings = provider_settings(&provider.base_url(), &[KEY]) + setting;
        let gateway = Harness::start(&settings).await;
        let mut requests = 0;
        while provider.connections() < 2 {
            requests += 1;
            assert!(requests < 1000, "{header:?} {setting:?}: the connection is used for ever");
            let mut client = CHAT.send(gateway.address, false).await;
            assert_eq!(client.head().await.status, 200);
            client.rest().await;
        }
    }
}
