//! Dumps when the disk is full or the directory cannot be created: no request fails.

use super::{files, settings};
use crate::endpoints::{CHAT, ENDPOINTS, Endpoint, KEYS};
use crate::harness::Harness;
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider};
use tempfile::TempDir;

/// A limit of 1 MiB (2048 blocks) per file, which has the effect of a full disk, without the signal that would end the
/// process.
const WITHOUT_ROOM: &str = "trap '' XFSZ; ulimit -f 2048; exec \"$AIBRIDGE\" serve \"$@\"";

#[tokio::test]
async fn a_full_disk_stops_the_dump_and_not_the_request() {
    let big = format!("{{\"id\":\"{}\"}}", "x".repeat(3 << 20));
    let response = big.clone();
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 | 1 => Script::json(200, response.clone()),
        _ => Script::json(200, "{}"),
    })
    .await;
    let launch = Launch::new("/bin/sh").env("AIBRIDGE", env!("CARGO_BIN_EXE_aibridge")).config(settings(
        &provider.base_url(),
        &KEYS[..1],
        "dumps".as_ref(),
    ));
    std::fs::write(launch.dir().join("serve"), WITHOUT_ROOM).unwrap();
    let gateway = launch.start().await;
    let folder = launch.dir().join("dumps");
    assert!(gateway.stdout().contains(
        "dump     openai: all traffic, prompts and responses included, is written to dumps/openai\n"
    ));

    for expected in [&big, &big, "{}"] {
        let response = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.body).await;
        assert_eq!((response.status(), response.text()), (200, expected));
    }
    gateway.wait_for_output("File too large").await;
    gateway.terminate();
    let output = gateway.wait_exit().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr.matches("a dump is cut short").count(), 1, "logged once: {}", output.stderr);
    let files = files(&folder);
    let mut sizes: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".resp.txt"))
        .map(|(_, content)| content.len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes[1..], [1 << 20, 1 << 20], "as much as there was room for");
    assert!(
        files.values().any(|content| content.ends_with("\r\n\r\n{}")),
        "a response that fits is dumped afterwards"
    );
    assert_eq!(files.len(), 6, "{:?}", files.keys());
}

#[tokio::test]
async fn a_dump_directory_that_cannot_be_created_fails_no_request() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let gateway = Harness::start(&settings(&provider.base_url(), &KEYS[..1], &file)).await;
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_eq!((response.status(), response.text()), (200, endpoint.response));
    }
    gateway.stop().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a folder");
}
