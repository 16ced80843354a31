//! Reading must not be in the way of recording.

use super::{Served, ended, interception, on_sqlite, prompt};
use aibridge_recorder::{Outcome, Record};
use aibridge_testkit::{RawClient, within};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What is recorded while others read: far more than the write-ahead log may hold.
const ROWS: usize = 1800;
const PROMPT: usize = 40_000;

/// Twice what writers let it grow to before one of them moves it whatever it costs. If readers always held it, it would
/// hold all that is written.
const LOG_AT_MOST: u64 = 128 << 20;

/// More than may read at once.
const READERS: usize = 8;

/// Reads as fast as it can, and counts the answers and the refusals.
async fn read(address: SocketAddr, target: &str, done: CancellationToken) -> [usize; 2] {
    let mut counts = [0, 0];
    while !done.is_cancelled() {
        let answer = RawClient::get(address, target).await;
        match answer.status() {
            200 => counts[0] += 1,
            503 => {
                let told = ["x-aibridge-error", "retry-after"].map(|name| answer.header(name));
                assert_eq!(told, [Some("too_many_readers"), Some("1")]);
                counts[1] += 1;
            }
            status => panic!("{status}: {}", answer.text()),
        }
    }
    counts
}

impl Served {
    fn log_bytes(&self) -> u64 {
        fs::metadata(self.gateway.store().path().with_file_name("aibridge.db-wal")).unwrap().len()
    }

    /// Records one more with a long prompt.
    async fn record_long(&self, text: &str) {
        let one = interception(Duration::ZERO);
        let id = one.id;
        self.record(vec![Record::Start(one.into()), prompt(id, text)]).await;
        self.record(vec![ended(id, Outcome::Completed)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_commit_and_the_log_stays_short_while_many_read() {
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
    let [answered, refused] = [0, 1].map(|which| counts.iter().map(|count| count[which]).sum::<usize>());
    assert!(answered > 0 && refused > 0, "{counts:?}");
    assert!(longest < LOG_AT_MOST, "{longest} bytes of log");
    assert_eq!(served.told("usage?by=user").await["data"][0]["requests"], ROWS);
}
