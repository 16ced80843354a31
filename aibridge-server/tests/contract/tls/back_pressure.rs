//! A stream that nobody reads, in either direction, holds up nobody but its own upstream.

use super::{ask, gateway_and_client};
use crate::dialects::CHAT;
use aibridge_testkit::{Gate, H2End, Script, ScriptedProvider, Step, wait_until, within};
use bytes::Bytes;
use std::future::poll_fn;
use tokio::net::TcpListener;

/// More than all that may be on its way.
const PIECES: usize = 64;
const PIECE: usize = 1 << 20;

#[tokio::test]
async fn a_stream_that_is_not_read_slows_only_its_own_upstream() {
    let sent = Gate::new();
    sent.open();
    let counted = sent.clone();
    let piece = Bytes::from(format!("data: {}\n\n", "x".repeat(PIECE)));
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 => (0..PIECES).fold(Script::sse_head(), |script, _| {
            script.chunk(piece.clone()).then(Step::Await(counted.clone()))
        }),
        _ => CHAT.script(true),
    })
    .await;
    let (gateway, mut client) = gateway_and_client(&provider.base_url()).await;
    let mut stalled = ask(&mut client, &CHAT, true).await;
    stalled.head().await;

    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 10 {
        let mut other = ask(&mut client, &CHAT, true).await;
        other.head().await;
        assert_eq!(other.rest().await, (CHAT.answer(true).into(), H2End::Clean), "others are served");
        let now = sent.arrivals();
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert!(before < PIECES, "the provider could send all of it: somebody holds {before} MiB");

    let mut received = 0;
    while received < (before + 2) * PIECE {
        received += stalled.piece().await.unwrap().len();
    }
    assert!(sent.arrivals() > before, "it goes on when the client does");
    stalled.cancel();
    let cancelled = || gateway.store().rows("aibridge_interceptions")[0]["outcome"] == "cancelled";
    wait_until(cancelled, "the stalled stream to end").await;
}

#[tokio::test]
async fn uploads_that_no_provider_reads_leave_other_requests_alone() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", provider.local_addr().unwrap());
    let (_gateway, mut client) = gateway_and_client(&base_url).await;
    let (mut uploads, mut unread) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let mut upload = client.begin("POST", "/openai/v1/conversations", &[], false).await;
        let stream = &mut upload.upload;
        stream.send_data(Bytes::from(vec![b'x'; 64 << 20]), false).unwrap();
        unread.push(within(provider.accept(), "a request at the provider").await.unwrap());
        // What is left can no longer be sent: the window is full.
        stream.reserve_capacity((64 << 20) + 1);
        let more = poll_fn(|context| stream.poll_capacity(context));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), more).await.is_err());
        uploads.push(upload);
    }
    for _ in 0..10 {
        let (head, _, end) = client.ask("POST", CHAT.target, &[], "[]").await;
        assert_eq!((head.status().as_u16(), end), (400, H2End::Clean));
    }
}
