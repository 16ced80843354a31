//! Waiting until a database holds what a gateway has acknowledged. Gateways append to a journal, and store a moment later.

use aibridge_journal::peek;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// The longest wait: a gateway that does not run, or has no database, never stores its records.
const LIMIT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Waits a bounded time until `position` of each journal in `directories`, called with its id, has reached the journal's
/// end. `None` means that the database is unavailable.
pub(crate) async fn wait_for_position(
    directories: &[PathBuf],
    mut position: impl AsyncFnMut(&str) -> Option<u64>,
) {
    for (journal, last) in ends(directories) {
        let mut waited = Duration::ZERO;
        while waited < LIMIT && position(&journal).await.is_some_and(|position| position < last) {
            sleep(POLL_INTERVAL).await;
            waited += POLL_INTERVAL;
        }
    }
}

/// Like [`wait_for_position`], on the thread of the caller.
pub(crate) fn block_for_position(directories: &[PathBuf], mut position: impl FnMut(&str) -> Option<u64>) {
    for (journal, last) in ends(directories) {
        let mut waited = Duration::ZERO;
        while waited < LIMIT && position(&journal).is_some_and(|position| position < last) {
            std::thread::sleep(POLL_INTERVAL);
            waited += POLL_INTERVAL;
        }
    }
}

fn ends(directories: &[PathBuf]) -> Vec<(String, u64)> {
    let found = directories.iter().filter_map(|directory| peek(directory).ok().flatten());
    found.map(|found| (found.journal.to_string(), found.last)).collect()
}
