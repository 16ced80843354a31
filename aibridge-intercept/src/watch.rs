//! Seeing what happens, for metrics: nothing here changes what is relayed or recorded.

use crate::call::Attempts;
use crate::observer::ResponseSummary;
use aibridge_recorder::{CredentialKind, Interception, Outcome};
use http::Method;
use quanta::{Clock, Instant};
use std::time::Duration;

/// Sees interceptions as they go. It is called on the way of every request, so it must be quick and never wait.
pub trait EventSink: Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &InterceptionEvent<'_>);

    /// An interception was accepted. What is returned is dropped when it is over, however that happens: also if its
    /// end could not be recorded, or its task panicked.
    fn opened(&self, _: &Interception) -> Option<Box<dyn Held>> {
        None
    }
}

/// Held while an interception is open.
pub trait Held: Send + Sync {}

/// What happened.
#[derive(Debug)]
pub enum InterceptionEvent<'a> {
    /// An interception is recorded, with or without a prompt.
    Started {
        /// Which.
        interception: &'a Interception,
        /// Whether a user wrote a prompt.
        prompt: bool,
    },
    /// The start of an interception could not be recorded: it was refused.
    Refused {
        /// Which.
        interception: &'a Interception,
    },
    /// An answer told something.
    ResponseSummary {
        /// Whose answer.
        interception: &'a Interception,
        /// What.
        learnt: &'a ResponseSummary,
    },
    /// An answer was relayed unread: its `Content-Encoding` could not be decoded.
    Undecodable {
        /// Whose answer.
        interception: &'a Interception,
    },
    /// An interception that had started is over; its end may not be on record.
    Ended {
        /// Which.
        interception: &'a Interception,
        /// How.
        outcome: Outcome,
        /// What was tried.
        attempts: &'a Attempts,
        /// When what happened.
        timeline: &'a Timeline,
    },
    /// A request was relayed unread, or could not be.
    PassedThrough {
        /// The provider's configured name.
        provider: &'a str,
        /// The matching entry of the provider's routes.
        route: &'static str,
        /// The request's method.
        method: &'a Method,
        /// Whose key paid.
        credential: CredentialKind,
        /// What was tried.
        attempts: &'a Attempts,
    },
    /// A request was refused by a limit of the settings.
    Limited {
        /// [Which](crate::Error::limit).
        limit: &'static str,
    },
}

/// Sees and forgets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopEventSink;

impl EventSink for NoopEventSink {
    fn on_event(&self, _: &InterceptionEvent<'_>) {}
}

/// When what happened to one interception.
#[derive(Debug, Clone)]
pub struct Timeline {
    clock: Clock,
    accepted: Instant,
    waited: Duration,
    first_byte: Option<Duration>,
}

impl Timeline {
    /// A request was there at `accepted`.
    pub(crate) fn begin(clock: Clock, accepted: Instant) -> Self {
        Self { clock, accepted, waited: Duration::ZERO, first_byte: None }
    }

    /// Time since the request was there.
    pub fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.accepted)
    }

    /// Until the first byte of the answer's body went to the client.
    pub fn first_byte(&self) -> Option<Duration> {
        self.first_byte
    }

    /// The gateway's own share: what was not spent waiting for the provider or the client.
    pub fn overhead(&self) -> Duration {
        self.elapsed().saturating_sub(self.waited)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Since `from` somebody else was waited for.
    pub(crate) fn waited_since(&mut self, from: Instant) {
        self.waited += self.clock.now().duration_since(from);
    }

    pub(crate) fn byte_sent(&mut self) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.elapsed());
        }
    }
}
