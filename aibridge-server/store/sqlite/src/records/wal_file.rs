//! The write-ahead log file: its size, and pauses of readers so that writers can reset it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// Size in bytes above which the log is longer than writers normally leave it: half as much again.
const LONG_BYTES: u64 = 24 << 20;

/// Time without a write after which the log does not have to be reset soon.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// Maximum time for which a reader pauses, and the interval of its checks.
const MAX_WAIT: Duration = Duration::from_millis(300);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The write-ahead log that a reader shares with writers of this or another process.
pub(super) struct WalFile(PathBuf);

impl WalFile {
    /// The log of the database at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        Self(name.into())
    }

    /// Whether the log is empty or missing, as after a regular stop of all gateways.
    pub(super) fn is_empty(&self) -> bool {
        fs::metadata(&self.0).map_or(true, |file| file.len() == 0)
    }

    /// Called between two reads: pauses for a moment if the log is long and growing. The log can be reset only while
    /// no connection reads from it, and several readers with short reads may never leave such a moment.
    pub(super) fn wait_for_reset(&self) {
        let mut left = MAX_WAIT;
        while !left.is_zero() && self.is_long_and_growing() {
            sleep(POLL_INTERVAL);
            left = left.saturating_sub(POLL_INTERVAL);
        }
    }

    fn is_long_and_growing(&self) -> bool {
        let Ok(file) = fs::metadata(&self.0) else { return false };
        let written = file.modified().ok();
        let quiet_for = written.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        file.len() > LONG_BYTES && quiet_for < QUIET_TIME
    }
}
