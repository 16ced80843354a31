//! Events of interceptions, for metrics, limits and logs. An event sink does not change the relayed or recorded bytes.

use aibridge_headers::actor::Actor;
use aibridge_observer::ResponseSummary;
use aibridge_observer::observer::Usage;
use aibridge_recorder::{CredentialKind, Interception, Outcome, UsageCost};
use aibridge_upstream::call::Attempts;
use http::Method;
use quanta::{Clock, Instant};
use std::time::Duration;

/// Receives the events of interceptions. It is called on the path of every request, so it must be fast and must not
/// wait.
pub trait EventSink: Send + Sync + 'static {
    /// Receives an event.
    fn on_event(&self, event: &InterceptionEvent<'_>);

    /// Called when an interception is accepted. The returned value is dropped when the interception ends for any
    /// reason, also if its end records could not be stored or its task panicked.
    fn on_open(&self, _: &Interception) -> Option<Box<dyn OpenInterception>> {
        None
    }
}

/// A value that lives as long as an interception is open, such as an entry of a gauge.
pub trait OpenInterception: Send + Sync {}

/// Something that happened to an interception or a passed-through request.
#[derive(Debug)]
pub enum InterceptionEvent<'a> {
    /// The start records of an interception are durable.
    Started {
        /// The interception, as it is recorded.
        interception: &'a Interception,
        /// Whether the request contains a prompt of a user.
        has_prompt: bool,
    },
    /// The start records of an interception could not be stored, so its request was refused.
    StartRefused {
        /// The interception that is not recorded.
        interception: &'a Interception,
    },
    /// A response was read to its end, or to the point where it broke off.
    ResponseRead {
        /// The interception of the response.
        interception: &'a Interception,
        /// The content that was extracted from the response.
        summary: &'a ResponseSummary,
        /// The cost of the response; `None` if there is nothing to charge.
        charged: Option<&'a UsageCost>,
    },
    /// A response was relayed without being read because its `Content-Encoding` could not be decoded.
    Undecodable {
        /// The interception of the response.
        interception: &'a Interception,
    },
    /// An interception that had started is over. Its end records may be missing.
    Ended {
        /// The interception, as it is recorded.
        interception: &'a Interception,
        /// The outcome that is recorded.
        outcome: Outcome,
        /// The upstream requests that were sent.
        attempts: &'a Attempts,
        /// The durations of the interception.
        timeline: &'a Timeline,
    },
    /// A request on a passthrough route has a response, or failed.
    PassedThrough {
        /// The provider's configured name.
        provider: &'a str,
        /// The matching entry of the provider's routes.
        route: &'a str,
        /// The request's method.
        method: &'a Method,
        /// The kind of credential that authenticated the upstream request.
        credential: CredentialKind,
        /// The upstream requests that were sent.
        attempts: &'a Attempts,
    },
    /// A budget reached a warning threshold for the first time in its period.
    BudgetWarning {
        /// The scope of the budget, e.g. `user`.
        scope: &'static str,
        /// The threshold that was reached, in percent of the amount.
        percent: u8,
    },
    /// The response to a request on a passthrough route reports usage, which is not recorded.
    PassthroughUsage {
        /// The provider's configured name.
        provider: &'a str,
        /// The actor on whose behalf the request is made.
        actor: &'a Actor,
        /// The kind of credential that authenticated the upstream request.
        credential: CredentialKind,
        /// The model that the response names.
        model: Option<&'a str>,
        /// The tokens of the response.
        usage: &'a Usage,
    },
    /// The cost of such a response was computed.
    PassthroughCost {
        /// The provider's configured name.
        provider: &'a str,
        /// The model that the response names.
        model: Option<&'a str>,
        /// The cost in billionths of a US dollar; `None` if there is no price.
        cost_nano_usd: Option<i64>,
    },
    /// A request was refused because it exceeds a limit of the settings.
    LimitExceeded {
        /// The name of the limit, e.g. `requests`.
        limit: &'static str,
    },
}

/// An event sink that ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopEventSink;

impl EventSink for NoopEventSink {
    fn on_event(&self, _: &InterceptionEvent<'_>) {}
}

/// Measures the durations of one interception.
#[derive(Debug, Clone)]
pub struct Timeline {
    clock: Clock,
    accepted: Instant,
    /// The time spent on waiting for the provider or the client.
    waited: Duration,
    first_byte: Option<Duration>,
}

impl Timeline {
    /// The timeline of a request that was complete at `accepted`.
    pub(crate) fn begin(clock: Clock, accepted: Instant) -> Self {
        Self { clock, accepted, waited: Duration::ZERO, first_byte: None }
    }

    /// The time since the request was complete.
    pub fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.accepted)
    }

    /// The time until the first byte of the response's body was sent to the client; `None` if none was sent.
    pub fn first_byte(&self) -> Option<Duration> {
        self.first_byte
    }

    /// The gateway's own share of the elapsed time: without the waits for the provider and the client.
    pub fn overhead(&self) -> Duration {
        self.elapsed().saturating_sub(self.waited)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Adds the time since `from` to the waits for others.
    pub(crate) fn add_wait_since(&mut self, from: Instant) {
        self.waited += self.clock.now().duration_since(from);
    }

    pub(crate) fn record_byte_sent(&mut self) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.elapsed());
        }
    }
}
