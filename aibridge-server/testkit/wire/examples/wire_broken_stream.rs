//! A provider that breaks off in the middle of an event, and a client that prints how the response ended.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_testkit_wire::{Framing, RawClient, Script, ScriptedProvider, Step, block_on};
use bytes::Bytes;

fn main() {
    block_on(async {
        let provider = ScriptedProvider::start(|received| match received.target.as_str() {
            "/whole" => Script::sse("data: {\"text\":\"Hello\"}\n\ndata: [DONE]\n\n"),
            _ => Script::head(200, Framing::Chunked)
                .header("Content-Type", "text/event-stream")
                .then(Step::Bytes(Bytes::from_static(b"18\r\ndata: {\"text\":\"Hel")))
                .then(Step::Reset),
        })
        .await;
        for target in ["/whole", "/broken"] {
            let response = RawClient::get(provider.address(), target).await;
            println!("{target}: {} {:?}, then {:?}", response.status(), response.text(), response.end);
        }
    });
}
