use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// From how many bytes on the write-ahead log is longer than writers leave it: half as much again.
const LONG_BYTES: u64 = 24 << 20;

/// Since when nobody writes, so that it is in nobody's way.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// How long a reader stays away, and how often it looks whether it may come back.
const MAX_WAIT: Duration = Duration::from_millis(300);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The write-ahead log that a reader shares with writers, of this process or another.
pub(super) struct WalFile(PathBuf);

impl WalFile {
    /// Of the database at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        Self(name.into())
    }

    /// Whether nothing is in it, which is so after every gateway has stopped in order.
    pub(super) fn is_empty(&self) -> bool {
        fs::metadata(&self.0).map_or(true, |file| file.len() == 0)
    }

    /// Called when nothing is read: stays away for a moment if the log is long and grows. It can start anew only at a
    /// moment when nobody reads from it, which several readers, each short, may never leave.
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
