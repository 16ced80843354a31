use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// From how many bytes on the write-ahead log is longer than writers leave it: half as much again.
const LONG: u64 = 24 << 20;

/// Since when nobody writes, so that it is in nobody's way.
const QUIET: Duration = Duration::from_secs(1);

/// How long a reader stays away, and how often it looks whether it may come back.
const AWAY: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The write-ahead log that a reader shares with writers, of this process or another.
pub(super) struct Log(PathBuf);

impl Log {
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
    pub(super) fn make_way(&self) {
        let mut left = AWAY;
        while !left.is_zero() && self.is_long_and_grows() {
            sleep(LOOK_EVERY);
            left = left.saturating_sub(LOOK_EVERY);
        }
    }

    fn is_long_and_grows(&self) -> bool {
        let Ok(file) = fs::metadata(&self.0) else { return false };
        let written = file.modified().ok();
        let quiet_for = written.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        file.len() > LONG && quiet_for < QUIET
    }
}
