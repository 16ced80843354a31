//! Reads do not delay the recording of interceptions.

use super::{Served, ended, interception, on_sqlite, prompt};
use aibridge_recorder::{Outcome, Record};
use aibridge_testkit::{RawClient, within};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The number and size of rows recorded during reads: far more than the write-ahead log may hold.
const ROWS: usize = 1800;
const PROMPT: usize = 40_000;

/// Twice the size at which a writer forces a checkpoint. If readers always held the log, it would contain all rows.
const LOG_AT_MOST: u64 = 128 << 20;

/// More than the maximum number of concurrent reads.
const READERS: usize = 8;

/// Reads without pause, and counts successes and refusals.
async fn read(address: SocketAddr, target: &str, done: CancellationToken) -> [usize; 2] {
    let mut counts = [0, 0];
    while !done.is_cancelled() {
        let response = RawClient::get(address, target).await;
        match response.status() {
            200 => counts[0] += 1,
            503 => {
                let actual = ["x-aibridge-error", "retry-after"].map(|name| response.header(name));
                assert_eq!(actual, [Some("too_many_readers"), Some("1")]);
                counts[1] += 1;
            }
            status => panic!("{status}: {}", response.text()),
        }
    }
    counts
}

impl Served {
    fn log_bytes(&self) -> u64 {
        fs::metadata(self.gateway.store().path().with_file_name("aibridge.db-wal")).unwrap().len()
    }

    /// Records an interception with a long prompt.
    async fn record_long(&self, text: &str) {
        let one = interception(Duration::ZERO);
        let id = one.id;
        self.record(vec![Record::Start(one.into()), prompt(id, text)]).await;
        self.record(vec![ended(id, Outcome::Completed)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_reads_do_not_delay_commits_or_grow_the_log() {
    let served = on_sqlite().await;
    let (done, mut readers) = (CancellationToken::new(), JoinSet::new());
    for number in 0..READERS {
        let target = ["usage", "sessions", "interceptions?limit=1000", "usage?by=day"][number % 4];
        let (address, done) = (served.gateway.address(), done.clone());
        readers.spawn(async move { read(address, &format!("/api/v1/{target}"), done).await });
    }
    let (text, mut longest) = ("x".repeat(PROMPT), 0);
    for _ in 0..ROWS {
        served.record_long(&text).await;
        longest = longest.max(served.log_bytes());
    }
    done.cancel();
    let counts = within(readers.join_all(), "the readers to end").await;
    let [succeeded, refused] = [0, 1].map(|index| counts.iter().map(|count| count[index]).sum::<usize>());
    assert!(succeeded > 0 && refused > 0, "{counts:?}");
    assert!(longest < LOG_AT_MOST, "{longest} bytes of log");
    assert_eq!(served.get_ok("usage?by=user").await["data"][0]["requests"], ROWS);
}
