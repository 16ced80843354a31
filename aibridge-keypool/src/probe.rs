//! The probe after a cooldown: one walk tries the key before other walks use it.

use quanta::Instant;
use std::time::Duration;

/// The time after which another walk may probe the key. Most responses begin sooner.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The head start of the process that reported the cooldown. It probes the key first.
const REMOTE_HEAD_START: Duration = Duration::from_secs(2);

/// Whether a key has to be probed, and whether a walk is probing it.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// Whether the key has cooled since the provider last accepted it.
    due: bool,
    /// The end of the time that a walk, here or in another process, has for its probe.
    taken_until: Option<Instant>,
}

impl Probe {
    /// A probe that the first walk after the cooldown takes.
    pub(crate) fn due() -> Self {
        Self { due: true, taken_until: None }
    }

    /// A probe that belongs to another process, which reported a cooldown with the end `until`.
    pub(crate) fn due_remotely(until: Instant) -> Self {
        Self { due: true, taken_until: Some(until + REMOTE_HEAD_START) }
    }

    /// Whether no probe is due.
    pub(crate) fn is_passed(&self) -> bool {
        !self.due
    }

    /// Whether another walk is probing the key.
    pub(crate) fn is_taken(&self, now: Instant) -> bool {
        self.due && self.taken_until.is_some_and(|until| now < until)
    }

    /// Assigns a probe that is due to the calling walk.
    pub(crate) fn take(&mut self, now: Instant) {
        if self.due {
            self.taken_until = Some(now + PROBE_TIMEOUT);
        }
    }
}
