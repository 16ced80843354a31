use quanta::Instant;
use std::time::Duration;

/// How long the one walk that tries a key has before another one may: longer than most answers take to begin.
const TRIAL: Duration = Duration::from_secs(10);

/// How much longer a key is left to the process that saw it cool, which tries it first.
const ELSEWHERE: Duration = Duration::from_secs(2);

/// What comes after a cooldown: one walk tries the key before the rest follow.
#[derive(Debug, Default)]
pub(crate) struct Probation {
    /// Whether the key has cooled since the provider last accepted it.
    due: bool,
    /// Until when it is somebody's to try.
    trial_until: Option<Instant>,
}

impl Probation {
    /// The key begins to cool.
    pub(crate) fn begin(&mut self) {
        *self = Self { due: true, trial_until: None };
    }

    /// The key cools until then, which another process found out.
    pub(crate) fn begin_elsewhere(&mut self, until: Instant) {
        *self = Self { due: true, trial_until: Some(until + ELSEWHERE) };
    }

    /// The provider accepted the key.
    pub(crate) fn pass(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing is left to be tried.
    pub(crate) fn is_passed(&self) -> bool {
        !self.due
    }

    /// Whether a walk may use the key, whose cooldown is over. If it has to be tried first, that is for this walk to do.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        if self.due && self.trial_until.is_some_and(|until| now < until) {
            return false;
        }
        if self.due {
            self.trial_until = Some(now + TRIAL);
        }
        true
    }
}
