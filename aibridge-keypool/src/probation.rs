//! What comes after a cooldown: one walk tries the key before the rest follow.

use quanta::Instant;
use std::time::Duration;

/// How long the one walk that tries a key has before another one may: longer than most answers take to begin.
const TRIAL: Duration = Duration::from_secs(10);

/// How much longer a key is left to the process that saw it cool, which tries it first.
const ELSEWHERE: Duration = Duration::from_secs(2);

/// Whether a key has to be tried, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// Whether the key has cooled since the provider last accepted it.
    due: bool,
    /// Until when a walk, here or in another process, has the trial.
    taken_until: Option<Instant>,
}

impl Probe {
    /// The key cools, and has to be tried by any walk after that.
    pub(crate) fn due() -> Self {
        Self { due: true, taken_until: None }
    }

    /// The key cools until then, which another process found out.
    pub(crate) fn due_elsewhere(until: Instant) -> Self {
        Self { due: true, taken_until: Some(until + ELSEWHERE) }
    }

    /// Whether nothing is left to be tried.
    pub(crate) fn is_passed(&self) -> bool {
        !self.due
    }

    /// Whether another walk tries the key just now.
    pub(crate) fn is_taken(&self, now: Instant) -> bool {
        self.due && self.taken_until.is_some_and(|until| now < until)
    }

    /// A walk uses the key: if it has to be tried, by that walk.
    pub(crate) fn take(&mut self, now: Instant) {
        if self.due {
            self.taken_until = Some(now + TRIAL);
        }
    }
}
