//! The pauses between attempts while the database refuses.

use std::time::Duration;
use tokio::time::Instant;

/// First and longest pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Interval between warnings while the database refuses.
const REMINDER: Duration = Duration::from_secs(60);

/// The pause and the last warning since the last success.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Option<Duration>,
    last_reminder: Option<Instant>,
}

impl Backoff {
    /// The pause before the next attempt.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        pause
    }

    /// Whether another warning is due. If so, the next one is due after [`REMINDER`].
    pub(super) fn is_reminder_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.last_reminder.is_none_or(|last| now.duration_since(last) >= REMINDER);
        if is_due {
            self.last_reminder = Some(now);
        }
        is_due
    }

    /// Resets pause and warnings after a success.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}
