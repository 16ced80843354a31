//! A circuit breaker per route and model. It rejects calls to a route and model that keep failing.
//!
//! A closed circuit counts consecutive failures, and opens at `failure_threshold`. An open circuit rejects all calls for
//! `timeout`, then becomes half-open. A half-open circuit admits `max_requests` concurrent probes: as many consecutive
//! successes close it, one failure opens it again. A call succeeds at the end of its response, but a probe releases its
//! permit when its response begins, because a stream may take minutes.

use aibridge_intercept::guard::{Admission, CallOutcome, Guard, Rejected};
use parking_lot::{Mutex, RwLock};
use quanta::{Clock, Instant};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The settings of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitBreakerSettings {
    /// The number of consecutive failures that opens a circuit.
    pub failure_threshold: u32,
    /// The time after which a closed circuit resets its count of failures.
    pub interval: Duration,
    /// The time for which a circuit stays open.
    pub timeout: Duration,
    /// The number of concurrent probes of a half-open circuit, and of the consecutive successes that close it.
    pub max_requests: u32,
    /// The response statuses that count as failures.
    pub failure_statuses: Vec<u16>,
}

impl Default for CircuitBreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_requests: 3,
            failure_statuses: vec![500, 502, 503, 504, 529],
        }
    }
}

/// The maximum number of circuits. Clients choose the model names, so the number needs a bound.
const MAX_CIRCUITS: usize = 1024;

/// The number of circuits that are evicted together. An eviction scans all circuits, so it frees room for many.
const EVICTION_BATCH: usize = MAX_CIRCUITS / 4;

/// The maximum length of a model name, in bytes. Models that differ only after it share a circuit.
const MAX_MODEL_BYTES: usize = 256;

/// The circuits of one provider. Only routes and models with recent failures have one.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: CircuitBreakerSettings,
    clock: Clock,
    circuits: RwLock<HashMap<CircuitName, Arc<Circuit>>>,
    /// The trips by circuit, including evicted circuits: counters never decrease.
    trips: Mutex<BTreeMap<CircuitName, u64>>,
}

/// The route and model of a circuit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitName {
    /// The bridged route, e.g. `/responses`.
    pub route: String,
    /// The model name in the client's requests.
    pub model: String,
}

#[derive(Debug)]
struct Circuit {
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

impl CircuitBreaker {
    /// Creates a breaker whose circuits are all closed.
    pub fn new(settings: CircuitBreakerSettings, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                clock,
                circuits: RwLock::default(),
                trips: Mutex::default(),
            }),
        }
    }

    /// The settings of all circuits.
    pub fn settings(&self) -> &CircuitBreakerSettings {
        &self.shared.settings
    }

    /// The guard of calls to one route and model.
    pub fn guard(&self, route: &str, model: &str) -> Arc<dyn Guard> {
        Arc::new(CircuitGuard {
            shared: self.shared.clone(),
            name: CircuitName {
                route: route.to_owned(),
                model: model[..model.floor_char_boundary(MAX_MODEL_BYTES)].to_owned(),
            },
        })
    }

    /// The statuses of all circuits with recent failures.
    pub fn statuses(&self) -> Vec<CircuitStatus> {
        let now = self.shared.clock.now();
        let circuits = self.shared.circuits.read();
        circuits.iter().map(|(name, circuit)| circuit.status(name, now)).collect()
    }

    /// The number of times that each circuit opened, including evicted circuits. From 1024 circuits on, further models
    /// share the name `other`.
    pub fn trips(&self) -> Vec<(CircuitName, u64)> {
        self.shared.trips.lock().iter().map(|(name, trips)| (name.clone(), *trips)).collect()
    }
}

struct CircuitGuard {
    shared: Arc<Shared>,
    name: CircuitName,
}

impl Guard for CircuitGuard {
    fn admit(&self, counts: bool) -> Result<Admission, Rejected> {
        match self.shared.find(&self.name) {
            Some(circuit) => circuit.admit(counts, self.shared.clock.now(), &self.shared.settings),
            None => Ok(Admission::Normal),
        }
    }

    fn is_failure(&self, status: u16) -> bool {
        self.shared.settings.failure_statuses.contains(&status)
    }

    fn release(&self, admission: Admission) {
        if let (Admission::Trial { round }, Some(circuit)) = (admission, self.shared.find(&self.name)) {
            circuit.release(round);
        }
    }

    fn report(&self, admission: Admission, outcome: CallOutcome) {
        let circuit = match (self.shared.find(&self.name), outcome) {
            (Some(circuit), _) => circuit,
            (None, CallOutcome::Failure) => self.shared.add(&self.name),
            (None, CallOutcome::Success) => return,
        };
        if circuit.report(admission, outcome, self.shared.clock.now(), &self.shared.settings) {
            self.shared.count_trip(&self.name);
        }
    }
}

impl Shared {
    fn find(&self, name: &CircuitName) -> Option<Arc<Circuit>> {
        let circuits = self.circuits.read();
        if circuits.is_empty() { None } else { circuits.get(name).cloned() }
    }

    fn count_trip(&self, name: &CircuitName) {
        let mut trips = self.trips.lock();
        let name = if trips.len() < MAX_CIRCUITS || trips.contains_key(name) {
            name.clone()
        } else {
            CircuitName { route: name.route.clone(), model: "other".to_owned() }
        };
        *trips.entry(name).or_default() += 1;
    }

    /// Adds a circuit after a first failure.
    fn add(&self, name: &CircuitName) -> Arc<Circuit> {
        let now = self.clock.now();
        let mut circuits = self.circuits.write();
        if circuits.len() >= MAX_CIRCUITS {
            self.evict(&mut circuits, now);
        }
        circuits.entry(name.clone()).or_insert_with(|| Arc::new(Circuit::new(now))).clone()
    }

    /// Evicts the idle circuits, then those with the lowest priority: requests with random model names must not prevent
    /// circuits for real models.
    fn evict(&self, circuits: &mut HashMap<CircuitName, Arc<Circuit>>, now: Instant) {
        circuits.retain(|_, circuit| !circuit.is_idle(now, &self.settings));
        let target = MAX_CIRCUITS - EVICTION_BATCH;
        if circuits.len() > target {
            let mut names: Vec<_> =
                circuits.iter().map(|(name, circuit)| (circuit.priority(), name.clone())).collect();
            let surplus = names.len() - target;
            names.select_nth_unstable_by_key(surplus, |(priority, _)| *priority);
            names.iter().take(surplus).for_each(|(_, name)| drop(circuits.remove(name)));
        }
    }
}

impl Circuit {
    fn new(now: Instant) -> Self {
        let state = Mutex::new(State::Closed { failures: 0, since: now });
        Self { state, trips: AtomicU64::new(0), rejects: AtomicU64::new(0) }
    }

    /// Admits or rejects a call. A call whose outcome does not count is no probe: it takes no permit.
    fn admit(
        &self,
        counts: bool,
        now: Instant,
        settings: &CircuitBreakerSettings,
    ) -> Result<Admission, Rejected> {
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
    fn release(&self, probe_round: u64) {
        if let State::HalfOpen { round, probes, .. } = &mut *self.state.lock()
            && *round == probe_round
        {
            *probes = probes.saturating_sub(1);
        }
    }

    fn reject(&self, retry_after: Duration) -> Rejected {
        self.rejects.fetch_add(1, Ordering::Relaxed);
        Rejected { retry_after }
    }

    /// Records the outcome of a call. Returns whether the circuit opened.
    fn report(
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
    fn is_idle(&self, now: Instant, settings: &CircuitBreakerSettings) -> bool {
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
    fn priority(&self) -> (bool, Instant) {
        match *self.state.lock() {
            State::Closed { since, .. } => (false, since),
            State::Open { until } => (true, until),
            State::HalfOpen { since, .. } => (true, since),
        }
    }

    fn status(&self, name: &CircuitName, now: Instant) -> CircuitStatus {
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

#[cfg(test)]
mod tests;
