//! Responses that differ from the request or from their headers: relayed unchanged, and extracted nevertheless.

use crate::dialects::{CHAT, DIALECTS, KEY};
use crate::harness::Harness;
use aibridge_testkit::{BodyEnd, Framing, Script, ScriptedProvider, Step};

#[tokio::test]
async fn responses_are_read_for_every_content_type() {
    let json = ["application/json", "Application/JSON; charset=utf-8"];
    let stream = ["text/event-stream", "TEXT/Event-Stream;charset=UTF-8"];
    let neither = ["text/plain", "application/octet-stream", ""];
    // Whether a stream is requested, whether the response is one, the declared types, and whether the client gets the head
    // of a stream. A response with the type of a stream has such a head; for other types the first byte decides, and only
    // if a stream is requested.
    let table = [
        (true, true, &json[..], true),
        (true, true, &stream, true),
        (true, true, &neither, true),
        (true, false, &json, false),
        (true, false, &stream, true),
        (true, false, &neither, false),
        (false, false, &json, false),
        (false, false, &stream, true),
        (false, false, &neither, false),
        (false, true, &stream, true),
    ];
    for dialect in DIALECTS {
        for (asked_for_stream, is_stream, types, has_stream_head) in table {
            for content_type in types {
                let about = format!("{} {asked_for_stream} {is_stream} {content_type:?}", dialect.target);
                let response = dialect.response(is_stream);
                let mut script = Script::head(200, Framing::Chunked);
                if !content_type.is_empty() {
                    script = script.header("Content-Type", content_type);
                }
                let script = script.events(response.clone()).then(Step::End);
                let provider = ScriptedProvider::start(move |_| script.clone()).await;
                let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;

                let mut client = dialect.send(gateway.address, asked_for_stream).await;
                let head = client.head().await;
                let (body, end) = client.read_to_end().await;
                assert_eq!((body, end), (response.into(), BodyEnd::Clean), "{about}");
                assert_eq!(
                    head.header("content-type"),
                    Some(*content_type).filter(|t| !t.is_empty()),
                    "{about}"
                );
                let streamed = head.header("x-accel-buffering") == Some("no");
                assert_eq!(streamed, has_stream_head, "{about}: the head of a stream");

                let id = head.header("x-aibridge-interception-id").unwrap();
                assert_eq!(gateway.store.interception(id).unwrap()["outcome"], "completed", "{about}");
                let usage = &gateway.store.rows_of("aibridge_token_usages", id)[0];
                assert_eq!(
                    (&usage["input_tokens"], &usage["output_tokens"]),
                    (&9.into(), &2.into()),
                    "{about}"
                );
                assert_eq!(gateway.store.rows_of("aibridge_tool_usages", id)[0]["tool"], "look", "{about}");
            }
        }
    }
}

#[tokio::test]
async fn unreadable_responses_are_relayed_and_record_no_usage() {
    // The `error_type` of a blocking request and of a stream request.
    let table = [
        (200, "text/html", "<html>hello</html>", ["invalid_response", "stream_error"]),
        (200, "application/json", "", ["invalid_response", "stream_error"]),
        (200, "application/json", "{\"usage\":", ["invalid_response"; 2]),
        (502, "text/html", "<html>bad gateway</html>", ["upstream_5xx"; 2]),
        (500, "text/event-stream", "data: {\"error\":{}}\n\n", ["upstream_5xx"; 2]),
        (200, "text/event-stream", "", ["stream_error"; 2]),
        (200, "text/event-stream", "\u{feff}\u{0} \n\n\n\ndata", ["stream_error"; 2]),
    ];
    for dialect in DIALECTS {
        for (status, content_type, body, error_types) in table {
            let script = Script::head(status, Framing::ContentLength(body.len() as u64))
                .header("Content-Type", content_type)
                .chunk(body)
                .then(Step::End);
            let provider = ScriptedProvider::start(move |_| script.clone()).await;
            let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
            for (streaming, error_type) in [false, true].into_iter().zip(error_types) {
                let about = format!("{} {streaming} {content_type} {body:?}", dialect.target);
                let mut client = dialect.send(gateway.address, streaming).await;
                let head = client.head().await;
                assert_eq!(
                    (head.status, client.read_to_end().await),
                    (status, (body.into(), BodyEnd::Clean)),
                    "{about}"
                );
                let id = head.header("x-aibridge-interception-id").unwrap();
                let row = gateway.store.interception(id).unwrap();
                assert_eq!(
                    (&row["outcome"], &row["error_type"]),
                    (&"failed".into(), &error_type.into()),
                    "{about}"
                );
                assert!(gateway.store.rows_of("aibridge_token_usages", id).is_empty(), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn an_event_of_ten_megabytes_is_relayed_and_recorded() {
    let text = "y".repeat(10_000_000);
    for dialect in DIALECTS {
        let [first, second, last] = dialect.events;
        let giant = second.replacen("\"look\"", &format!("\"look\",\"x\":\"{text}\""), 1);
        let response = [first, &giant, last].concat();
        let script = Script::sse(response.clone());
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = dialect.send(gateway.address, true).await;
        client.head().await;
        let (body, end) = client.read_to_end().await;
        assert!((&body[..], end) == (response.as_bytes(), BodyEnd::Clean), "{}", dialect.target);
        assert_eq!(gateway.store.rows("aibridge_tool_usages")[0]["tool"], "look");
        assert_eq!(gateway.store.rows("aibridge_token_usages").len(), 1);
    }
}

#[tokio::test]
async fn an_unterminated_last_line_is_relayed() {
    let body = format!("data: {{\"x\":\"{}\"}}\n\ndata: [DO", "y".repeat(10_000_000));
    let sent = body.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::sse_head().chunk(sent.clone()).then(Step::End)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut client = CHAT.send(gateway.address, true).await;
    client.head().await;
    let (relayed, end) = client.read_to_end().await;
    assert_eq!((relayed == body, end), (true, BodyEnd::Clean));
}

#[tokio::test]
async fn a_response_over_the_size_limit_is_aborted() {
    const BEYOND: usize = 65 << 20;
    let endless = bytes::Bytes::from(vec![b'x'; 1 << 20]);
    for streaming in [false, true] {
        let mut script = if streaming { Script::sse_head() } else { Script::head(200, Framing::Chunked) };
        for _ in 0..BEYOND >> 20 {
            script = script.chunk(endless.clone());
        }
        let script = script.then(Step::Stall);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = CHAT.send(gateway.address, streaming).await;
        let head = client.head().await;
        let (body, _) = client.read_to_end().await;
        let body = String::from_utf8(body.to_vec()).unwrap();
        match streaming {
            true => assert_eq!(CHAT.error_in(&body)["code"], "answer_too_large"),
            false => assert_eq!(
                (head.status, head.header("x-aibridge-error")),
                (502, Some("answer_too_large")),
                "{body:.100}"
            ),
        }
        assert!(provider.wait_closed(0).await.by_peer, "nothing more is read");
        let id = head.header("x-aibridge-interception-id").unwrap();
        assert_eq!(gateway.store.interception(id).unwrap()["error_type"], "invalid_response");
    }
}
