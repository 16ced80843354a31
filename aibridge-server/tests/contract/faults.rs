//! Providers that fail, at every point: the client is told, the record tells it too, and the next request goes well.

use crate::dialects::{DIALECTS, Dialect, KEY};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Answer, BodyEnd, Framing, Gate, Row, Script, ScriptedProvider, Step};

/// Only for faults that are nothing but silence: others must not look like one on a busy machine.
const IMPATIENT: &str = "response_timeout = \"300ms\"\nstream_idle_timeout = \"300ms\"\n";

/// What a provider does instead of going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Resets,
    Closes,
    Stalls,
    /// Bytes that the protocol does not have there, and then nothing.
    Babbles,
}

use Fault::{Babbles, Closes, Resets, Stalls};

const FAULTS: [Fault; 4] = [Resets, Closes, Stalls, Babbles];

impl Fault {
    fn after(self, script: Script) -> Script {
        match self {
            Resets => script.then(Step::Reset),
            Closes => script.then(Step::Close),
            Stalls => script.then(Step::Stall),
            Babbles => script.then(Step::Bytes("\u{1}nonsense\r\n\r\n".into())).then(Step::Stall),
        }
    }

    fn code(self) -> &'static str {
        match self {
            Stalls => "upstream_timeout",
            Babbles => "answer_invalid",
            Resets | Closes => "upstream_unreachable",
        }
    }

    /// How an interception is recorded whose answer had not begun for the client.
    fn error_type(self) -> &'static str {
        if self == Babbles { "invalid_response" } else { self.code() }
    }

    /// What a client is told that has the head of a stream.
    fn code_in_stream(self) -> &'static str {
        if self == Stalls { "upstream_timeout" } else { "upstream_unreachable" }
    }

    fn status(self) -> u16 {
        if self == Stalls { 504 } else { 502 }
    }

    async fn gateway(self, base_url: &str) -> Harness {
        let limits = if self == Stalls { IMPATIENT } else { "" };
        Harness::start(&(provider_settings(base_url, &[KEY]) + limits)).await
    }
}

/// Answers the first request with `script`, and further ones well.
async fn provider(dialect: &'static Dialect, script: Script) -> ScriptedProvider {
    ScriptedProvider::start(move |request| match request.number {
        0 => script.clone(),
        _ => Script::json(200, dialect.whole),
    })
    .await
}

async fn whole_answer(dialect: &Dialect, gateway: &Harness, streaming: bool) -> Answer {
    let mut client = dialect.send(gateway.address, streaming).await;
    let head = client.head().await;
    let (body, end) = client.rest().await;
    Answer { head, body, end }
}

/// `answer` is the gateway's own error, and what is recorded agrees with it.
async fn expect_error(about: &str, gateway: &Harness, answer: &Answer, fault: Fault, upstream: Option<u16>) {
    assert_eq!((answer.status(), answer.end), (fault.status(), BodyEnd::Clean), "{about}");
    assert_eq!(answer.header("x-aibridge-error"), Some(fault.code()), "{about}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    let error = &answer.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&"api_error".into(), &fault.code().into()), "{about}");
    let row = row(gateway, answer.header("x-aibridge-interception-id"));
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
async fn before_the_head_is_whole() {
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/eve";
    for dialect in DIALECTS {
        for (streaming, half) in [(false, ""), (true, ""), (false, HALF), (true, HALF)] {
            for fault in FAULTS {
                let about = format!("{} {streaming} {half:?} {fault:?}", dialect.target);
                let begun = Script::new().then(Step::Bytes(half.into()));
                let provider = provider(dialect, fault.after(begun)).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let answer = whole_answer(dialect, &gateway, streaming).await;
                expect_error(&about, &gateway, &answer, fault, None).await;
                assert_eq!(provider.received().len(), 1, "{about}: what may have arrived is not sent again");
                let next = whole_answer(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn where_nobody_listens() {
    for dialect in DIALECTS {
        let gateway = Closes.gateway(&ScriptedProvider::unreachable_base_url().await).await;
        for streaming in [false, true] {
            let answer = whole_answer(dialect, &gateway, streaming).await;
            expect_error(dialect.target, &gateway, &answer, Closes, None).await;
        }
    }
}

#[tokio::test]
async fn in_a_blocking_body() {
    for dialect in DIALECTS {
        for (framing, status) in
            [(Framing::ContentLength(9999), 200), (Framing::Chunked, 200), (Framing::Chunked, 500)]
        {
            for fault in FAULTS {
                if (framing, fault) == (Framing::ContentLength(9999), Babbles) {
                    continue; // any bytes are welcome there
                }
                let about = format!("{} {framing:?} {status} {fault:?}", dialect.target);
                let begun = Script::head(status, framing).header("Content-Type", "application/json");
                let provider = provider(dialect, fault.after(begun.chunk(dialect.whole))).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let answer = whole_answer(dialect, &gateway, false).await;
                expect_error(&about, &gateway, &answer, fault, Some(status)).await;
                let next = whole_answer(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn in_a_stream() {
    for dialect in DIALECTS {
        let [first, second, _] = dialect.events;
        for half in ["", &second[..second.len() / 2], "da", "\n"] {
            for fault in FAULTS {
                if fault == Stalls && half.len() < 3 && !half.is_empty() {
                    continue; // each takes its time, and two of a kind tell as much
                }
                let about = format!("{} {half:?} {fault:?}", dialect.target);
                // A reset would lose what is still on its way.
                let arrived = Gate::new();
                let begun = Script::sse_head().chunk(first).chunk(second).then(Step::Await(arrived.clone()));
                let begun = if half.is_empty() { begun } else { begun.chunk(half.to_owned()) };
                let provider = provider(dialect, fault.after(begun)).await;
                let gateway = fault.gateway(&provider.base_url()).await;

                let mut client = dialect.send(gateway.address, true).await;
                let head = client.head().await;
                assert_eq!(head.status, 200);
                let mut events = client.until(first).await.to_vec();
                while events != [first, second].concat().as_bytes() {
                    events.extend(client.piece().await.unwrap());
                }
                arrived.open();
                let (rest, end) = client.rest().await;
                let told = String::from_utf8(rest.to_vec()).unwrap();
                let told = told.strip_prefix("\n").unwrap_or(&told); // a blank line is an event, of nothing
                assert_eq!(dialect.error_in(told)["code"], fault.code_in_stream(), "{about}");
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
                assert_eq!((tools.len(), &tools[0]["tool"]), (1, &"look".into()), "{about}: what was learnt");
                let next = whole_answer(dialect, &gateway, false).await;
                assert_eq!((next.status(), next.text()), (200, dialect.whole), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn before_the_first_event() {
    for dialect in DIALECTS {
        for fault in FAULTS {
            let provider = provider(dialect, fault.after(Script::sse_head())).await;
            let gateway = fault.gateway(&provider.base_url()).await;
            let answer = whole_answer(dialect, &gateway, true).await;
            assert_eq!((answer.status(), answer.end), (200, BodyEnd::Clean), "{fault:?}");
            let told = dialect.error_in(answer.text());
            assert_eq!(told["code"], fault.code_in_stream(), "{} {fault:?}", dialect.target);
        }
    }
}

#[tokio::test]
async fn behind_the_last_event_no_fault_matters() {
    for dialect in DIALECTS {
        let all = dialect.answer(true);
        for framing in [Framing::Chunked, Framing::ContentLength(99_999)] {
            for fault in FAULTS {
                if (framing, fault) == (Framing::ContentLength(99_999), Babbles) {
                    continue; // any bytes are welcome there
                }
                let about = format!("{} {framing:?} {fault:?}", dialect.target);
                let arrived = Gate::new();
                let head = Script::head(200, framing).header("Content-Type", "text/event-stream");
                let script = fault.after(head.chunk(all.clone()).then(Step::Await(arrived.clone())));
                let provider = provider(dialect, script).await;
                let gateway = fault.gateway(&provider.base_url()).await;
                let mut client = dialect.send(gateway.address, true).await;
                let head = client.head().await;
                let mut body = client.until(dialect.events[2]).await.to_vec();
                arrived.open();
                let (rest, end) = client.rest().await;
                body.extend(rest);
                assert_eq!((String::from_utf8(body).unwrap(), end), (all.clone(), BodyEnd::Clean), "{about}");
                let row = row(&gateway, head.header("x-aibridge-interception-id"));
                assert_eq!(row["outcome"], "completed", "{about}");
            }
        }
    }
}
