//! A disk that takes nothing costs the dump and not the request.

use super::{files, settings};
use crate::harness::Harness;
use crate::ways::{CHAT, KEYS, WAYS, Way};
use aibridge_testkit::{Launch, RawClient, Script, ScriptedProvider};
use tempfile::TempDir;

/// The kernel lets no file grow beyond 1 MiB (2048 blocks), as it would on a disk without room, and does not send the
/// signal that would end the process.
const WITHOUT_ROOM: &str = "trap '' XFSZ; ulimit -f 2048; exec \"$AIBRIDGE\" serve \"$@\"";

#[tokio::test]
async fn a_full_disk_stops_the_dump_and_not_the_request() {
    let big = format!("{{\"id\":\"{}\"}}", "x".repeat(3 << 20));
    let answer = big.clone();
    let provider = ScriptedProvider::start(move |request| match request.number {
        0 | 1 => Script::json(200, answer.clone()),
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
        let answer = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.body).await;
        assert_eq!((answer.status(), answer.text()), (200, expected));
    }
    gateway.said("File too large").await;
    gateway.terminate();
    let exited = gateway.exited().await;
    assert_eq!(exited.status.code(), Some(0), "{exited:?}");
    assert_eq!(exited.stderr.matches("a dump is cut short").count(), 1, "told once: {}", exited.stderr);
    let files = files(&folder);
    let mut sizes: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".resp.txt"))
        .map(|(_, content)| content.len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes[1..], [1 << 20, 1 << 20], "as much as there was room for");
    assert!(files.values().any(|content| content.ends_with("\r\n\r\n{}")), "what fits is dumped afterwards");
    assert_eq!(files.len(), 6, "{:?}", files.keys());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_costs_no_request() {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let gateway = Harness::start(&settings(&provider.base_url(), &KEYS[..1], &file)).await;
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.text()), (200, way.answer));
    }
    gateway.stop().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a folder");
}
