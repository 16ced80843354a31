//! One circuit: the state machine of a route and model.

use super::settings::CircuitBreakerSettings;
use aibridge_intercept::guard::{Admission, CallOutcome, Rejection};
use parking_lot::Mutex;
use quanta::Instant;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The route and model of a circuit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitName {
    /// The bridged route, e.g. `/responses`.
    pub route: String,
    /// The model name in the client's requests.
    pub model: String,
}

#[derive(Debug)]
pub(super) struct Circuit {
    state: Mutex<State>,
    trips: AtomicU64,
    rejects: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32, since: Instant },
    Open { until: Instant },
    HalfOpen { since: Instant, round: u64, probes: u32, successes: u32 },
}

/// The status of a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitStatus {
    /// The route and model.
    pub name: CircuitName,
    /// The current state.
    pub state: CircuitState,
    /// The number of times that the circuit opened.
    pub trips: u64,
    /// The number of requests that the circuit rejected.
    pub rejects: u64,
}

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// All requests are admitted.
    Closed,
    /// A few requests are admitted as probes.
    HalfOpen,
    /// All requests are rejected.
    Open,
}

impl Circuit {
    pub(super) fn new(now: Instant) -> Self {
        let state = Mutex::new(State::Closed { failures: 0, since: now });
        Self { state, trips: AtomicU64::new(0), rejects: AtomicU64::new(0) }
    }

    /// Admits or rejects a call. A call whose outcome does not count is no probe: it takes no permit.
    pub(super) fn admit(
        &self,
        counts: bool,
        now: Instant,
        settings: &CircuitBreakerSettings,
    ) -> Result<Admission, Rejection> {
        let mut state = self.state.lock();
        if let State::Open { until } = *state
            && now >= until
        {
            let round = self.trips.load(Ordering::Relaxed);
            *state = State::HalfOpen { since: now, round, probes: 0, successes: 0 };
        }
        match &mut *state {
            State::Open { until } => Err(self.reject(until.duration_since(now))),
            State::Closed { .. } => Ok(Admission::Normal),
            State::HalfOpen { .. } if !counts => Ok(Admission::Normal),
            State::HalfOpen { round, probes, .. } if *probes < settings.max_requests => {
                *probes += 1;
                Ok(Admission::Trial { round: *round })
            }
            State::HalfOpen { .. } => Err(self.reject(Duration::from_secs(1))),
        }
    }

    /// Releases the permit of a probe, unless the probe belongs to an earlier half-open round.
    pub(super) fn release(&self, probe_round: u64) {
        if let State::HalfOpen { round, probes, .. } = &mut *self.state.lock()
            && *round == probe_round
        {
            *probes = probes.saturating_sub(1);
        }
    }

    fn reject(&self, retry_after: Duration) -> Rejection {
        self.rejects.fetch_add(1, Ordering::Relaxed);
        Rejection { retry_after }
    }

    /// Records the outcome of a call. Returns whether the circuit opened.
    pub(super) fn report(
        &self,
        admission: Admission,
        outcome: CallOutcome,
        now: Instant,
        settings: &CircuitBreakerSettings,
    ) -> bool {
        let mut state = self.state.lock();
        let next = match (*state, admission, outcome) {
            (State::Closed { failures, since }, _, CallOutcome::Failure) => {
                let is_reset = now.duration_since(since) >= settings.interval;
                let (failures, since) =
                    if is_reset || failures == 0 { (1, now) } else { (failures + 1, since) };
                if failures >= settings.failure_threshold {
                    self.trip(now, settings)
                } else {
                    State::Closed { failures, since }
                }
            }
            (State::Closed { since, .. }, _, CallOutcome::Success) => State::Closed { failures: 0, since },
            (
                State::HalfOpen { round, .. },
                Admission::Trial { round: probe_round },
                CallOutcome::Failure,
            ) if round == probe_round => self.trip(now, settings),
            (
                State::HalfOpen { since, round, probes, successes },
                Admission::Trial { round: probe_round },
                CallOutcome::Success,
            ) if round == probe_round => {
                if successes + 1 >= settings.max_requests {
                    State::Closed { failures: 0, since: now }
                } else {
                    State::HalfOpen { since, round, probes, successes: successes + 1 }
                }
            }
            // The call started in an earlier state, so its outcome does not count.
            (unchanged, _, _) => unchanged,
        };
        let opened = !matches!(*state, State::Open { .. }) && matches!(next, State::Open { .. });
        *state = next;
        opened
    }

    fn trip(&self, now: Instant, settings: &CircuitBreakerSettings) -> State {
        self.trips.fetch_add(1, Ordering::Relaxed);
        State::Open { until: now + settings.timeout }
    }

    /// Whether the circuit admits all calls, or had no call for its interval or timeout.
    pub(super) fn is_idle(&self, now: Instant, settings: &CircuitBreakerSettings) -> bool {
        match *self.state.lock() {
            State::Closed { failures, since } => {
                failures == 0 || now.duration_since(since) >= settings.interval
            }
            State::Open { until } => now.duration_since(until) >= settings.timeout,
            State::HalfOpen { since, probes, .. } => {
                probes == 0 && now.duration_since(since) >= settings.timeout
            }
        }
    }

    /// The priority in an eviction: open circuits before closed ones, then recent ones before older ones.
    pub(super) fn priority(&self) -> (bool, Instant) {
        match *self.state.lock() {
            State::Closed { since, .. } => (false, since),
            State::Open { until } => (true, until),
            State::HalfOpen { since, .. } => (true, since),
        }
    }

    pub(super) fn status(&self, name: &CircuitName, now: Instant) -> CircuitStatus {
        let state = match *self.state.lock() {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until } if now < until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
        };
        CircuitStatus {
            name: name.clone(),
            state,
            trips: self.trips.load(Ordering::Relaxed),
            rejects: self.rejects.load(Ordering::Relaxed),
        }
    }
}
