//! Reuse of upstream connections: no request is lost, and none is sent twice.

use crate::dialects::{CHAT, KEY, OPENAI_DIALECTS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{BodyEnd, Gate, Script, ScriptedProvider, Step};

#[tokio::test]
async fn a_connection_is_reused() {
    let provider = ScriptedProvider::start(|request| match CHAT.stream.as_bytes() == request.body {
        true => Script::sse(CHAT.response(true)),
        false => Script::json(200, CHAT.whole),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    for streaming in [false, true, false, true] {
        let mut client = CHAT.send(gateway.address, streaming).await;
        assert_eq!(client.head().await.status, 200);
        assert_eq!(client.read_to_end().await, (CHAT.response(streaming).into(), BodyEnd::Clean));
    }
    assert_eq!(provider.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_closed_by_the_provider_fails_no_request() {
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
        assert_eq!(client.read_to_end().await, (CHAT.whole.into(), BodyEnd::Clean), "request {number}");
        provider.wait_closed(number).await;
    }
    assert_eq!(provider.received().len(), 20, "each request is sent once");
}

#[tokio::test]
async fn a_sent_request_is_not_repeated() {
    for dialect in OPENAI_DIALECTS {
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
                client.read_to_end().await;
            }
            let received = provider.received();
            assert_eq!(received.len(), 2, "{}: a provider may have acted on it", dialect.target);
            assert_eq!(received[0].connection, received[1].connection, "{}", dialect.target);
        }
    }
}

#[tokio::test]
async fn a_cancelled_response_does_not_corrupt_the_connection() {
    let gate = Gate::new();
    let script_gate = gate.clone();
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 => Script::sse_head()
            .chunk(CHAT.events[0])
            .then(Step::Await(script_gate.clone()))
            .chunk(CHAT.events[1]),
        _ => Script::json(200, CHAT.whole),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = CHAT.send(gateway.address, true).await;
    client.head().await;
    client.read_until(CHAT.events[0]).await;
    drop(client);
    provider.wait_closed(0).await;
    let mut client = CHAT.send(gateway.address, false).await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(client.read_to_end().await, (CHAT.whole.into(), BodyEnd::Clean));
    let received = provider.received();
    assert_ne!(received[0].connection, received[1].connection);
}

#[tokio::test]
async fn idle_connections_expire_by_keep_alive_header_and_settings() {
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
            client.read_to_end().await;
        }
    }
}
