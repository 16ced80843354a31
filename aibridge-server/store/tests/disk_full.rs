//! A full disk, simulated by a limit on file sizes, which works without privileges.
//!
//! The limit holds for the whole process, so this is the only test of its program.

#[cfg(test)]
#[path = "store/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use aibridge_recorder::{Record, Recorder};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use support::{TestDir, ended, prompt, start};
use tokio::signal::unix::{SignalKind, signal};

const LIMIT: Duration = Duration::from_secs(9);

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_room() {
    // Without a handler the signal that comes with the refusal would end the process.
    let _handled = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).expect("a handler");
    let dir = TestDir::new();
    let store = dir.open();
    let (id, records) = start();
    store.record(records).await.expect("stored");

    let unlimited = getrlimit(Resource::Fsize);
    let room = Rlimit { current: Some(256 << 10), ..unlimited };
    setrlimit(Resource::Fsize, room).expect("a limit");
    let big = || {
        let mut prompt = prompt(id);
        prompt.prompt = "x".repeat(1 << 20);
        vec![Record::Prompt(prompt)]
    };
    store.probe(LIMIT).await.expect("there is room for a little");
    let first = store.record(big()).await;
    let second = store.record(big()).await;
    let full = Rlimit { current: Some(0), ..unlimited };
    setrlimit(Resource::Fsize, full).expect("a limit");
    let probed = store.probe(LIMIT).await;
    setrlimit(Resource::Fsize, unlimited).expect("no limit");
    assert!(probed.expect_err("refused").to_string().contains("cannot write to the journal"));
    store.probe(LIMIT).await.expect("there is room");
    for answer in [first, second] {
        let error = answer.expect_err("refused");
        assert!(error.to_string().contains("cannot write to the journal"), "{error}");
    }
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 1);

    let (next, records) = start();
    store.record(big()).await.expect("there is room");
    store.record(records).await.expect("there is room");
    store.record(vec![Record::End(ended(id))]).await.expect("there is room");
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 3);
    store.close().await;
    assert_eq!(dir.interceptions(), [id.to_string(), next.to_string()]);
    let verdict: String =
        dir.sql().query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a verdict");
    assert_eq!(verdict, "ok");
}
