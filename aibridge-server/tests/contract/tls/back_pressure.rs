//! Back pressure over HTTP/2: an unread stream delays only its own upstream.

use super::{call, gateway_and_client};
use crate::dialects::CHAT;
use aibridge_testkit::{Gate, H2End, Script, ScriptedProvider, Step, wait_until, within};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::Poll;
use tokio::net::TcpListener;

/// More pieces than all buffers on the way can hold.
const PIECES: usize = 64;
const PIECE: usize = 1 << 20;

#[tokio::test]
async fn an_unread_stream_delays_only_its_own_upstream() {
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
    let mut stalled = call(&mut client, &CHAT, true).await;
    stalled.head().await;

    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 10 {
        let mut other = call(&mut client, &CHAT, true).await;
        other.head().await;
        assert_eq!(
            other.read_to_end().await,
            (CHAT.response(true).into(), H2End::Clean),
            "others are served"
        );
        let now = sent.arrivals();
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert!(before < PIECES, "the provider sent everything: {before} MiB are buffered");

    let mut received = 0;
    while received < (before + 2) * PIECE {
        received += stalled.piece().await.unwrap().len();
    }
    assert!(sent.arrivals() > before, "the upstream continues with the client");
    stalled.cancel();
    let cancelled = || gateway.store().rows("aibridge_interceptions")[0]["outcome"] == "cancelled";
    wait_until(cancelled, "the stalled stream to end").await;
}

#[tokio::test]
async fn unread_uploads_do_not_delay_other_requests() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", provider.local_addr().unwrap());
    let (_gateway, mut client) = gateway_and_client(&base_url).await;
    let (mut uploads, mut unread) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let mut upload = client.begin("POST", "/openai/v1/conversations", &[], false).await;
        let stream = &mut upload.upload;
        stream.send_data(Bytes::from(vec![b'x'; 64 << 20]), false).unwrap();
        unread.push(within(provider.accept(), "a request at the provider").await.unwrap());
        // The window is full, so that the rest cannot be sent.
        stream.reserve_capacity((64 << 20) + 1);
        let is_full = poll_fn(|context| Poll::Ready(stream.poll_capacity(context).is_pending())).await;
        assert!(is_full);
        uploads.push(upload);
    }
    for _ in 0..10 {
        let (head, _, end) = client.call("POST", CHAT.target, &[], "[]").await;
        assert_eq!((head.status().as_u16(), end), (400, H2End::Clean));
    }
}
