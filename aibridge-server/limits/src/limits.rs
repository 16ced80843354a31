//! The limits in force, and the counts of what is used.

use crate::actor_buckets::{ActorBuckets, PerMinute};
use crate::limit_exceeded::LimitExceeded;
use crate::permit::{InFlight, RequestPermit};
use crate::refusal_log::RefusalLog;
use aibridge_intercept::ErrorResponse;
use quanta::Clock;
use std::sync::Arc;

/// The limits in force, and the counts of what is used.
pub struct RequestLimits {
    settings: aibridge_config::Limits,
    counts: Arc<Counts>,
}

/// The counts, which stay when the limits change.
struct Counts {
    in_flight: Arc<InFlight>,
    actors: ActorBuckets,
    refusal_log: RefusalLog,
}

impl RequestLimits {
    /// Creates unused limits. `clock` measures the minutes.
    pub fn new(settings: aibridge_config::Limits, clock: Clock) -> Self {
        let (in_flight, actors, refusal_log) =
            (Arc::default(), ActorBuckets::new(clock.clone()), RefusalLog::new(clock));
        Self { settings, counts: Arc::new(Counts { in_flight, actors, refusal_log }) }
    }

    /// Returns other limits with the same counts.
    #[must_use]
    pub fn with_settings(&self, settings: aibridge_config::Limits) -> Self {
        Self { settings, counts: self.counts.clone() }
    }

    /// Admits a request of `actor` before its body is read, and returns the permit to acquire when it is. The token limit
    /// applies only if the request `spends_tokens`.
    ///
    /// # Errors
    ///
    /// A [`LimitExceeded`]. A refused request is not charged.
    pub fn admit(&self, actor: &str, spends_tokens: bool) -> Result<RequestPermit, LimitExceeded> {
        let permit = RequestPermit::new(&self.counts.in_flight, self.settings.max_concurrent_requests)?;
        self.counts.actors.take_request(actor, self.per_minute(), spends_tokens)?;
        Ok(permit)
    }

    /// The permit of a request to which no limit applies.
    pub fn exempt(&self) -> RequestPermit {
        RequestPermit::exempt()
    }

    /// Logs that a limit refused a request with `error`, at most once a minute for each limit.
    pub fn log_refusal(&self, error: &ErrorResponse) {
        self.counts.refusal_log.add(error);
    }

    /// Charges `actor` for `tokens`, however many are left.
    pub fn charge(&self, actor: &str, tokens: u64) {
        self.counts.actors.charge_tokens(actor, self.per_minute(), tokens);
    }

    fn per_minute(&self) -> PerMinute {
        let aibridge_config::Limits { requests_per_minute, tokens_per_minute, .. } = self.settings;
        PerMinute { requests: requests_per_minute, tokens: tokens_per_minute }
    }
}
