//! Responses that are not valid HTTP responses to a model request.

use crate::dialects::{CHAT, KEY, OPENAI_DIALECTS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Script, ScriptedProvider, Step};

#[tokio::test]
async fn a_101_response_is_invalid() {
    const SWITCH: &str =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    for dialect in OPENAI_DIALECTS {
        for streaming in [false, true] {
            let script = Script::new().then(Step::Bytes(SWITCH.into())).then(Step::Stall);
            let provider = ScriptedProvider::start(move |_| script.clone()).await;
            let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
            let mut client = dialect.send(gateway.address, streaming).await;
            let head = client.head().await;
            assert_eq!((head.status, head.header("x-aibridge-error")), (502, Some("answer_invalid")));
            let row = gateway.store.interception(head.header("x-aibridge-interception-id").unwrap()).unwrap();
            assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"invalid_response".into()));
        }
    }
}

#[tokio::test]
async fn an_error_object_with_status_200_is_an_invalid_response() {
    let body = r#"{"error":{"message":"provider died","code":502}}"#;
    let provider = ScriptedProvider::start(move |_| Script::json(200, body)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = CHAT.send(gateway.address, false).await;
    let head = client.head().await;
    assert_eq!((head.status, &client.read_to_end().await.0[..]), (200, body.as_bytes()));
    let row = gateway.store.interception(head.header("x-aibridge-interception-id").unwrap()).unwrap();
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"invalid_response".into()));
}

#[tokio::test]
async fn only_streams_that_begin_with_an_error_open_the_circuit() {
    const ERROR: &str = "data: {\"error\":{\"message\":\"provider died\"}}\n\n";
    let with_content = format!("{}{ERROR}", CHAT.events[0]);
    for (body, last_status) in [(ERROR, 503), (with_content.as_str(), 200)] {
        let script = Script::sse(body.to_owned());
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let breaker = "[provider.circuit_breaker]\nfailure_threshold = 2\n";
        let gateway = Harness::start(&(provider_settings(&provider.base_url(), &[KEY]) + breaker)).await;
        for status in [200, 200, last_status] {
            let mut client = CHAT.send(gateway.address, true).await;
            assert_eq!(client.head().await.status, status, "{body}");
            client.read_to_end().await;
        }
    }
}
