//! A disconnect cancels the upstream request at once, and a client that stops reading delays only its own.

use crate::dialects::{DIALECTS, Dialect, KEY};
use crate::harness::Harness;
use aibridge_testkit::{
    BodyEnd, Framing, Gate, RawClient, Row, Script, ScriptedProvider, Step, request, wait_for, wait_until,
};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The maximum time between a disconnect and the end of the upstream connection, from the contract.
const CANCEL_DEADLINE: Duration = Duration::from_millis(250);

/// The point at which the client disconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeavePoint {
    BeforeTheHead,
    InABlockingBody,
    InAStream,
    InAStreamWithoutEvents,
}

use LeavePoint::{BeforeTheHead, InABlockingBody, InAStream, InAStreamWithoutEvents};

impl LeavePoint {
    fn script(self, dialect: &Dialect) -> Script {
        let [first, second, _] = dialect.events;
        let begun = match self {
            BeforeTheHead => Script::new(),
            InABlockingBody => Script::head(200, Framing::ContentLength(9999)).chunk(dialect.whole),
            InAStream => Script::sse_head().chunk(first).chunk(second),
            InAStreamWithoutEvents => Script::sse_head(),
        };
        begun.then(Step::Stall)
    }

    /// Waits until everything before this point has arrived.
    async fn wait_until_reached(self, dialect: &Dialect, client: &mut RawClient) {
        if matches!(self, InAStream | InAStreamWithoutEvents) {
            client.head().await;
        }
        if self == InAStream {
            client.read_until(dialect.events[1]).await;
        }
    }
}

async fn ended(gateway: &Harness) -> Row {
    let row =
        || gateway.store.rows("aibridge_interceptions").into_iter().find(|row| row["ended_at"].is_string());
    wait_for(row, "the interception to end").await
}

#[tokio::test]
async fn a_disconnect_cancels_the_upstream_request_at_once() {
    for dialect in DIALECTS {
        for (point, streaming) in [
            (BeforeTheHead, false),
            (BeforeTheHead, true),
            (InABlockingBody, false),
            (InAStream, true),
            (InAStreamWithoutEvents, true),
        ] {
            for crashes in [false, true] {
                let about = format!("{} {streaming} {point:?} {crashes}", dialect.target);
                let mut provider = ScriptedProvider::start(move |_| point.script(dialect)).await;
                let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
                let mut client = dialect.send(gateway.address, streaming).await;
                provider.next_received().await;
                point.wait_until_reached(dialect, &mut client).await;

                let left = Instant::now();
                if crashes {
                    client.reset()
                } else {
                    drop(client)
                }
                let closed = provider.wait_closed(0).await;
                let took = closed.at.duration_since(left);
                assert!(closed.by_peer && took < CANCEL_DEADLINE, "{about}: {closed:?} after {took:?}");

                let row = ended(&gateway).await;
                assert_eq!(
                    (&row["outcome"], &row["error_type"]),
                    (&"cancelled".into(), &().into()),
                    "{about}"
                );
                let had_head = point != BeforeTheHead;
                assert_eq!(row["upstream_status"].as_i64(), had_head.then_some(200), "{about}");
                let tools = gateway.store.rows("aibridge_tool_usages");
                let tool = tools.first().map(|tool| tool["tool"].as_str().unwrap().to_owned());
                assert_eq!(tool.as_deref(), (point == InAStream).then_some("look"), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_disconnect_cancels_a_passthrough_request() {
    for point in [BeforeTheHead, InABlockingBody] {
        let mut provider = ScriptedProvider::start(move |_| point.script(DIALECTS[0])).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("GET", "/openai/v1/models", &[], b"")).await;
        provider.next_received().await;
        if point == InABlockingBody {
            client.head().await;
            client.read_until(DIALECTS[0].whole).await;
        }
        let left = Instant::now();
        drop(client);
        let closed = provider.wait_closed(0).await;
        let took = closed.at.duration_since(left);
        assert!(closed.by_peer && took < CANCEL_DEADLINE, "{point:?}: {closed:?} after {took:?}");
    }
}

/// More pieces than all socket buffers on the way can hold.
const PIECES: usize = 192;
const PIECE: usize = 1 << 20;

#[tokio::test]
async fn a_client_that_stops_reading_delays_only_its_own_upstream() {
    let dialect = DIALECTS[0];
    let sent = Gate::new();
    sent.open();
    let counted = sent.clone();
    let piece = Bytes::from(format!("data: {}\n\n", "x".repeat(PIECE)));
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 => (0..PIECES).fold(Script::sse_head(), |script, _| {
            script.chunk(piece.clone()).then(Step::Await(counted.clone()))
        }),
        _ => Script::sse(dialect.events.concat()),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let mut stalled = dialect.send(gateway.address, true).await;
    stalled.head().await;

    let mut before = 0;
    let mut unchanged = 0;
    while unchanged < 10 {
        let (body, end) = {
            let mut other = dialect.send(gateway.address, true).await;
            other.head().await;
            other.read_to_end().await
        };
        assert_eq!((body, end), (dialect.events.concat().into(), BodyEnd::Clean), "others are served");
        let now = sent.arrivals();
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert!(before < PIECES, "the provider sent everything: {before} MiB are buffered");

    let mut received = 0;
    while received < (before + 8) * PIECE {
        received += stalled.piece().await.unwrap().len();
    }
    assert!(sent.arrivals() > before, "the upstream continues with the client");
    drop(stalled);
    wait_until(
        || gateway.store.rows("aibridge_interceptions")[0]["outcome"] == "cancelled",
        "the stalled stream to end",
    )
    .await;
}
