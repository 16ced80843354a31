//! Provider faults at every point of a response: client and record have the error, and the next request succeeds.

use crate::dialects::{DIALECTS, Dialect, KEY};
use crate::harness::{Harness, anthropic_settings, provider_settings};
use aibridge_testkit::{BodyEnd, Framing, Gate, Response, Row, Script, ScriptedProvider, Step};

/// Only for stalls: with a short timeout, other faults could look like a stall on a busy machine.
const SHORT_TIMEOUTS: &str = "response_timeout = \"300ms\"\nstream_idle_timeout = \"300ms\"\n";

/// The way in which a provider breaks off an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Resets,
    Closes,
    Stalls,
    /// Sends bytes that are invalid at this point, and then stalls.
    SendsGarbage,
}

use Fault::{Closes, Resets, SendsGarbage, Stalls};

const FAULTS: [Fault; 4] = [Resets, Closes, Stalls, SendsGarbage];

impl Fault {
    fn after(self, script: Script) -> Script {
        match self {
            Resets => script.then(Step::Reset),
            Closes => script.then(Step::Close),
            Stalls => script.then(Step::Stall),
            SendsGarbage => script.then(Step::Bytes("\u{1}nonsense\r\n\r\n".into())).then(Step::Stall),
        }
    }

    fn code(self) -> &'static str {
        match self {
            Stalls => "upstream_timeout",
            SendsGarbage => "answer_invalid",
            Resets | Closes => "upstream_unreachable",
        }
    }

    /// The recorded error type if the response to the client had not begun.
    fn error_type(self) -> &'static str {
        if self == SendsGarbage { "invalid_response" } else { self.code() }
    }

    /// The error code for a client that already has the head of a stream.
    fn code_in_stream(self) -> &'static str {
        if self == Stalls { "upstream_timeout" } else { "upstream_unreachable" }
    }

    fn status(self) -> u16 {
        if self == Stalls { 504 } else { 502 }
    }

    async fn gateway(self, base_url: &str) -> Harness {
        let limits = if self == Stalls { SHORT_TIMEOUTS } else { "" };
        let vendors =
            [provider_settings, anthropic_settings].map(|settings| settings(base_url, &[KEY]) + limits);
        Harness::start(&vendors.concat()).await
    }
}

/// A provider that plays `script` for the first request, and responds well to later ones.
async fn provider(dialect: &'static Dialect, script: Script) -> ScriptedProvider {
    ScriptedProvider::start(move |request| match request.number {
        0 => script.clone(),
        _ => Script::json(200, dialect.whole),
    })
    .await
}

async fn read_response(dialect: &Dialect, gateway: &Harness, streaming: bool) -> Response {
    let mut client = dialect.send(gateway.address, streaming).await;
    let head = client.head().await;
    let (body, end) = client.read_to_end().await;
    Response { head, body, end }
}

/// Checks that `response` is an error of the gateway, and that the record agrees.
async fn expect_error(
    about: &str,
    gateway: &Harness,
    response: &Response,
    fault: Fault,
    upstream: Option<u16>,
) {
    assert_eq!((response.status(), response.end), (fault.status(), BodyEnd::Clean), "{about}");
    assert_eq!(response.header("x-aibridge-error"), Some(fault.code()), "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    let body = response.json();
    match body["type"] == "error" {
        true if fault == Stalls => assert_eq!(body["error"]["type"], "timeout_error", "{about}"),
        true => assert_eq!(body["error"]["type"], "api_error", "{about}"),
        false => assert_eq!(
            (&body["error"]["type"], &body["error"]["code"]),
            (&"api_error".into(), &fault.code().into()),
            "{about}"
        ),
    }
    let row = row(gateway, response.header("x-aibridge-interception-id"));
    assert_eq!(
        (&row["outcome"], &row["error_type"]),
        (&"failed".into(), &fault.error_type().into()),
        "{about}"
    );
    assert_eq!(row["upstream_status"].as_u64(), upstream.map(u64::from), "{about}");
}

fn row(gateway: &Harness, id: Option<&str>) -> Row {
    gateway.store.interception(id.unwrap()).unwrap()
}

#[tokio::test]
async fn a_fault_before_the_head_is_a_gateway_error() {
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/eve";
    for dialect in DIALECTS {
        for (streaming, half) in [(false, ""), (true, ""), (false, HALF), (true, HALF)] {
            for fault in FAULTS {
                let about = format!("{} {streaming} {half:?} {fault:?}", dialect.target);
                let begun = Script::new().then(Step::Bytes(half.into()));
                let provider = provider(dialect, fault.after(begun)).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let response = read_response(dialect, &gateway, streaming).await;
                expect_error(&about, &gateway, &response, fault, None).await;
                assert_eq!(
                    provider.received().len(),
                    1,
                    "{about}: a request that may have arrived is not sent again"
                );
                let next = read_response(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_gateway_error() {
    for dialect in DIALECTS {
        let gateway = Closes.gateway(&ScriptedProvider::unreachable_base_url().await).await;
        for streaming in [false, true] {
            let response = read_response(dialect, &gateway, streaming).await;
            expect_error(dialect.target, &gateway, &response, Closes, None).await;
        }
    }
}

#[tokio::test]
async fn a_fault_in_a_blocking_body_is_a_gateway_error() {
    for dialect in DIALECTS {
        for (framing, status) in
            [(Framing::ContentLength(9999), 200), (Framing::Chunked, 200), (Framing::Chunked, 500)]
        {
            for fault in FAULTS {
                if (framing, fault) == (Framing::ContentLength(9999), SendsGarbage) {
                    continue; // any bytes are valid there
                }
                let about = format!("{} {framing:?} {status} {fault:?}", dialect.target);
                let begun = Script::head(status, framing).header("Content-Type", "application/json");
                let provider = provider(dialect, fault.after(begun.chunk(dialect.whole))).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let response = read_response(dialect, &gateway, false).await;
                expect_error(&about, &gateway, &response, fault, Some(status)).await;
                let next = read_response(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_fault_in_a_stream_is_an_error_event() {
    for dialect in DIALECTS {
        let [first, second, _] = dialect.events;
        for half in ["", &second[..second.len() / 2], "da", "\n"] {
            for fault in FAULTS {
                if fault == Stalls && half.len() < 3 && !half.is_empty() {
                    continue; // each takes 300 ms, and two of them suffice
                }
                let about = format!("{} {half:?} {fault:?}", dialect.target);
                // A reset would lose data in transit.
                let arrived = Gate::new();
                let begun = Script::sse_head().chunk(first).chunk(second).then(Step::Await(arrived.clone()));
                let begun = if half.is_empty() { begun } else { begun.chunk(half.to_owned()) };
                let provider = provider(dialect, fault.after(begun)).await;
                let gateway = fault.gateway(&provider.base_url()).await;

                let mut client = dialect.send(gateway.address, true).await;
                let head = client.head().await;
                assert_eq!(head.status, 200);
                let mut events = client.read_until(first).await.to_vec();
                while events != [first, second].concat().as_bytes() {
                    events.extend(client.piece().await.unwrap());
                }
                arrived.open();
                let (rest, end) = client.read_to_end().await;
                let error_event = String::from_utf8(rest.to_vec()).unwrap();
                let error_event = error_event.strip_prefix("\n").unwrap_or(&error_event); // a blank line is an empty event
                dialect.assert_error(error_event, fault.code_in_stream());
                assert_eq!(end, BodyEnd::Clean, "{about}: the error event is the end");

                let row = row(&gateway, head.header("x-aibridge-interception-id"));
                let error_type = if fault == Stalls { "upstream_timeout" } else { "stream_error" };
                assert_eq!(
                    (&row["outcome"], &row["error_type"]),
                    (&"failed".into(), &error_type.into()),
                    "{about}"
                );
                assert_eq!(row["upstream_status"], 200, "{about}");
                let tools = gateway.store.rows("aibridge_tool_usages");
                assert_eq!(
                    (tools.len(), &tools[0]["tool"]),
                    (1, &"look".into()),
                    "{about}: the extracted tool call"
                );
                let next = read_response(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_fault_before_the_first_event_is_an_error_event() {
    for dialect in DIALECTS {
        for fault in FAULTS {
            let provider = provider(dialect, fault.after(Script::sse_head())).await;
            let gateway = fault.gateway(&provider.base_url()).await;
            let response = read_response(dialect, &gateway, true).await;
            assert_eq!((response.status(), response.end), (200, BodyEnd::Clean), "{fault:?}");
            dialect.assert_error(response.text(), fault.code_in_stream());
        }
    }
}

/// The end of a connection can be the end of a body or a loss, and only a terminal event distinguishes them.
#[tokio::test]
async fn a_connection_that_ends_before_the_terminal_event_is_an_error_event() {
    for dialect in DIALECTS {
        let [first, ..] = dialect.events;
        let script = Script::head(200, Framing::CloseDelimited)
            .header("Content-Type", "text/event-stream")
            .then(Step::Bytes(first.into()))
            .then(Step::Close);
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let response = read_response(dialect, &gateway, true).await;
        let error_event = response.text().strip_prefix(first).expect("the event");
        dialect.assert_error(error_event, "upstream_unreachable");
        assert_eq!(response.end, BodyEnd::Clean, "{}: the error event is the end", dialect.target);
        let row = row(&gateway, response.header("x-aibridge-interception-id"));
        assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"stream_error".into()));
    }
}

#[tokio::test]
async fn a_fault_after_the_last_event_is_ignored() {
    for dialect in DIALECTS {
        let all = dialect.response(true);
        for framing in [Framing::Chunked, Framing::ContentLength(99_999)] {
            for fault in FAULTS {
                if (framing, fault) == (Framing::ContentLength(99_999), SendsGarbage) {
                    continue; // any bytes are valid there
                }
                let about = format!("{} {framing:?} {fault:?}", dialect.target);
                let arrived = Gate::new();
                let head = Script::head(200, framing).header("Content-Type", "text/event-stream");
                let script = fault.after(head.chunk(all.clone()).then(Step::Await(arrived.clone())));
                let provider = provider(dialect, script).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let mut client = dialect.send(gateway.address, true).await;
                let head = client.head().await;
                let mut body = client.read_until(dialect.events[2]).await.to_vec();
                arrived.open();
                let (rest, end) = client.read_to_end().await;
                body.extend(rest);
                assert_eq!((String::from_utf8(body).unwrap(), end), (all.clone(), BodyEnd::Clean), "{about}");
                let row = row(&gateway, head.header("x-aibridge-interception-id"));
                assert_eq!(row["outcome"], "completed", "{about}");
            }
        }
    }
}
